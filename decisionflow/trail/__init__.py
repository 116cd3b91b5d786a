"""THE RECORD: canonical bytes, chains, the tree, checkpoints, the evidence package. Pure; knows nothing of law.

`verify` holds every check and nothing but checks, on the standard library alone, because it travels
inside each package. The other modules hold the making side and take the checking side from it.
"""
