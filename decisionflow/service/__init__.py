"""WHAT PEOPLE DO: one function a deed. Takes an open transaction; never commits, never reads the clock."""
