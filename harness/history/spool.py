"""Runs that wait for a history that could not be had: one whole file each, kept until the history has the run.

Beside the results (`results/spool/`), in a folder per history. A run goes into the spool before it is sent and leaves it when
the history has it, so that a cut anywhere between loses nothing; a history that has the run already takes it as sent.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from core.errors import HistoryError, HistoryUnavailable
from core.files import read_regular, sha256, storage_errors, write_whole
from harness.history.engine import secret_free
from harness.results.stored_run import StoredRun

NAME = "spool"
BROKEN = ".broken"


@dataclass(frozen=True)
class Spool:
    """The runs that wait for one history; `folder` is that history's own."""

    folder: Path

    @classmethod
    def of(cls, results: Path, url: URL) -> Spool:
        """The spool of a history below a folder of results; a changed password is no other history."""
        place = secret_free(url).render_as_string()
        return cls(results / NAME / sha256(place)[:16])

    def keep(self, run: StoredRun) -> Path:
        """Write a run down, whole or not at all and through to the disk."""
        path = self.folder / f"{sha256(run.id)[:16]}-{run.digest[:16]}.json"
        with storage_errors(f"write the spool `{self.folder}`", kind=HistoryUnavailable):
            write_whole(path, json.dumps(run.to_json(), allow_nan=False))
        return path

    def waiting(self) -> Iterator[tuple[Path, StoredRun | HistoryError]]:
        """Every run that waits, the oldest first; in the place of a file that is no spooled run, what was done with it."""
        for path in sorted(self.folder.glob("*.json"), key=_age):
            try:
                yield path, StoredRun.from_json(read_regular(path).decode("utf-8"))
            except FileNotFoundError:
                continue  # another process has just sent it
            except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
                yield path, self._put_aside(path, error)

    def _put_aside(self, path: Path, error: Exception) -> HistoryError:
        """Give a broken file a name that nobody sends, so that the others are; what is said of it."""
        aside = path.with_suffix(BROKEN)
        with contextlib.suppress(OSError):
            path.replace(aside)
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return HistoryError(f"`{path}` is no spooled run: {reason}", "a whole file; it is put aside", f"rm {aside}")

    def __len__(self) -> int:
        return len(list(self.folder.glob("*.json")))


def _age(path: Path) -> tuple[float, str]:
    try:
        return path.stat().st_mtime, path.name
    except FileNotFoundError:
        return 0.0, path.name
