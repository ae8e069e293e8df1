"""`python -m router` is `azure-router`."""

from router.cli import main

main()
