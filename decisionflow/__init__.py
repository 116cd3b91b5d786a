"""decisionflow: major administrative decisions as procedures that cite the law."""

__version__ = "0.1.0"
