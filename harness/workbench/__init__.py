"""One session's models, profiles and targets, each figure computed once; behind both front doors (pytest and command line)."""
