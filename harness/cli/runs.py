"""The runs that commands are told to read."""

from __future__ import annotations

from pathlib import Path

from harness.cli.saying import say
from harness.results.places import find_run, taken_from_elsewhere
from harness.results.stored_run import StoredRun, read_run


def named_run(name: str | Path, root: Path | None = None) -> StoredRun:
    """The run of a path, an id or `latest`; says on stderr where it lies when that is neither here nor above."""
    folder = find_run(name, root)
    if root is None and not Path(name).is_absolute() and taken_from_elsewhere(folder):
        say(f"no `{name}` here or above: the last run on this computer is `{folder.resolve()}`", err=True)
    return read_run(folder)
