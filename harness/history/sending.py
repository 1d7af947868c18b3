"""Brings a run into a history, by way of the spool; what cannot be sent now waits there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import HistoryError, HistoryUnavailable
from harness.history.spool import Spool
from harness.history.store import History
from harness.results.stored_run import StoredRun


@dataclass(frozen=True)
class SendOutcome:
    """What came of a try: ids that the history has taken in now, ids it had, and why the rest waits."""

    new: tuple[str, ...]
    known: tuple[str, ...]
    problems: tuple[HistoryError, ...]


def send(run: StoredRun, history: History, spool: Spool) -> SendOutcome:
    """Write a run into the spool, then send everything that waits there."""
    spool.keep(run)
    return send_waiting(history, spool)


def send_waiting(history: History, spool: Spool) -> SendOutcome:
    """Send what waits; the first HistoryUnavailable ends the try, a run that is refused for good is reported and stays.

    A file that is no run is put aside and reported, and the others go on.
    """
    new: list[str] = []
    known: list[str] = []
    problems: list[HistoryError] = []
    try:
        for path, run in spool.waiting():
            if isinstance(run, HistoryError):
                problems.append(run)
                continue
            try:
                (new if history.add(run) else known).append(run.id)
            except HistoryUnavailable:
                raise
            except HistoryError as error:
                problems.append(error)
                continue
            path.unlink(missing_ok=True)
    except HistoryError as error:
        problems.append(error)
    return SendOutcome(tuple(new), tuple(known), tuple(problems))


def told(sent: SendOutcome, history: History, spool: Spool) -> Iterator[str]:
    """What came of a try, in sentences."""
    if sent.new:
        yield f"history: {', '.join(sent.new)} kept in {history}"
    if sent.known:
        yield f"history: {', '.join(sent.known)} had been kept before"
    for problem in sent.problems:
        yield f"history: {problem}"
    if len(spool):
        yield f"history: {len(spool)} run(s) wait in {spool.folder}; `ethos-bench history send` tries again"
