"""THE SHELVES: tables, engine, the one writer of the trail, blobs, outbox. No rules of law."""
