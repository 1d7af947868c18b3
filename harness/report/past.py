"""What the history tells about the figures of a run: the part of it that a page draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import URL

from core.errors import HistoryError
from core.metrics import ACCURACIES, metric_of
from harness.history.store import Figure, History, Point
from harness.history.trend import Trend, trends
from harness.report.tables import Column
from harness.results.stored_run import StoredRun

MOST_RUNS = 60
SEARCH_S = 3.0
"""Seconds that the search for change points may take."""
WAIT_S = 5.0
"""Seconds that a page waits for a history that is locked or gone."""


FIGURES = (
    Column("estimated_us", stat="open"),
    Column("estimated_us", stat="vela"),
    Column("latency_us", stat="median"),
    *(Column(metric, graph="int8") for metric in ACCURACIES),
    Column("npu_operator_share"),
    Column("arena_bytes"),
)
"""The figures that a page has a history of."""


@dataclass(frozen=True)
class Past:
    """`trends` over `runs` (ids, oldest first, this run the last).

    `notes` say where they come from and what is not in them, `problem` why there are none.
    """

    runs: tuple[str, ...] = ()
    trends: tuple[Trend, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""


def past_of(run: StoredRun, url: URL, most: int = MOST_RUNS, search_s: float = SEARCH_S) -> Past:
    """The figures of a run's models in the last `most` runs up to this one; a history that cannot be read is no error."""
    history, figures = History(url, WAIT_S), [column.figure for column in FIGURES]
    variants = list(dict.fromkeys(record.variant for record in run.records))
    try:
        every = [name for name in history.runs_of(variants, figures, run.header.started) if name != run.id]
        last = every[-most + 1 :]
        points = history.points_in(last, variants, figures)
    except HistoryError as error:
        return Past(problem=error.found)
    found = trends(list(_each_once([*points, *_own(run, figures)])), search_s)
    notes = [f"From {history}."]
    if len(last) < len(every):
        notes.append(f"Drawn are the last {len(last) + 1} of {len(every) + 1} runs with these models.")
    missed = sum(not trend.searched for trend in found)
    if missed:
        notes.append(f"{missed} of {len(found)} figures were not searched for change points: that takes over {search_s:g} s.")
    return Past((*last, run.id), tuple(found), tuple(notes))


def _each_once(points: Sequence[Point]) -> Iterator[Point]:
    """Figures that do not depend on the target once per run, on no target: runs on others go on with the same line."""
    seen = set()
    for point in points:
        if metric_of(point.figure.metric).of_target:
            yield point
            continue
        figure = replace(point.figure, target="")
        key = (point.run, figure.key)
        if key not in seen and figure.unavailable is None:
            seen.add(key)
            yield replace(point, figure=figure)


def _own(run: StoredRun, figures: Sequence[Figure]) -> list[Point]:
    """The run's own figures, which the history may not have yet."""
    header, wanted = run.header, set(figures)
    return [
        Point(run=run.id, started=header.started, commit=header.commit, dirty=header.dirty, figure=record)
        for record in run.records
        if record.key.figure in wanted
    ]
