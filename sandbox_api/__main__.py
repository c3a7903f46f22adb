"""`python -m sandbox_api` is `tenge`."""

from sandbox_api.cli import main

main(prog_name="tenge")
