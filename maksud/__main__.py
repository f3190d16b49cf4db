"""`python -m maksud` is the `maksud` command."""

from maksud.cli import main

main()
