"""THE COMMANDS. Each parses, asks one service, prints; `main` turns errors into sentences and exit codes."""

from decisionflow.cli.app import main

__all__ = ["main"]
