"""The folder of a run: written while it runs, read back when it is over."""
