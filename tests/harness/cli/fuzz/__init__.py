"""Every command is fed mutated files of every kind that it reads: no traceback, no hang, an exit code as pinned."""
