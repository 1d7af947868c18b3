"""The runs that lie beside a run's folder: its history where nobody keeps a better one."""

from __future__ import annotations

from core.errors import UsageError
from harness.results.stored_run import RESULTS, StoredRun, read_run

MOST = 30


def runs_beside(run: StoredRun) -> list[StoredRun]:
    """The last MOST runs in the folders beside this run's that started before it, oldest first; broken ones are left out."""
    found = {}
    newest = sorted(run.folder.resolve().parent.glob(f"*/{RESULTS}"), key=lambda path: path.stat().st_mtime)[-MOST - 1 :]
    for path in newest:
        if path.parent.is_symlink() or path.parent == run.folder.resolve():
            continue
        try:
            other = read_run(path.parent, checked=False)
        except UsageError:
            continue  # somebody else's folder, or a run that was cut off: this page is about another
        if other.header.started < run.header.started and other.id != run.id:
            found[other.id] = other
    return sorted(found.values(), key=lambda other: other.header.started)
