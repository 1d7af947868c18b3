"""`python -m harness.cli`: the same as `ethos-bench`."""

from harness.cli import main

main()
