"""`python -m decisionflow`: the same command line."""

from decisionflow.cli.app import main

main()
