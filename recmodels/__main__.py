"""`python -m recmodels` is the `recmodels` command."""

from recmodels.cli import main

main()
