"""What a comparison of two runs draws on: earlier runs in the history, and detections on images."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from core.errors import HistoryError
from core.records.measurement import Measurement
from harness.history.run_comparison import Earlier, MapInterval
from harness.history.store import History
from harness.results.stored_run import StoredRun
from harness.statistics.shift import LEVEL
from harness.tasks.detect.bootstrap import bootstrap_difference
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections, from_coco
from harness.tasks.interval import Interval

QUALIFIERS = ("variant", "build", "profile", "target", "stat", "graph")


def earlier_runs(history: History, *compared: StoredRun) -> Earlier:
    """Values of a figure in runs of the same identity, the two that are compared left out."""
    ids = {run.id for run in compared}

    def earlier(figure: Measurement) -> Sequence[float]:
        try:
            points = history.points(figure.metric, **{name: getattr(figure, name) for name in QUALIFIERS})
        except HistoryError:
            return ()  # runs read from folders are compared without a history
        same = (figure.identity, figure.evidence, figure.replayed_from)
        return [
            float(number)
            for point in points
            if point.run not in ids
            and (number := point.figure.number) is not None
            and (point.figure.identity, point.figure.evidence, point.figure.replayed_from) == same
        ]

    return earlier


def map_intervals(first: StoredRun, second: StoredRun, dataset: Dataset) -> MapInterval:
    """The paired bootstrap over a data set's images, where both runs kept detections of it."""

    @cache
    def interval(model: str, graph: str) -> Interval | None:
        found = [_detections(run, model, graph, dataset) for run in (first, second)]
        if found[0] is None or found[1] is None:
            return None
        return bootstrap_difference(found[0], found[1], dataset, level=LEVEL)

    def of(figure: Measurement) -> Interval | None:
        if figure.identity.options.get("data") != dataset.identity:
            return None
        return interval(figure.case.model, figure.graph)

    return of


def _detections(run: StoredRun, model: str, graph: str, dataset: Dataset) -> Detections | None:
    found = run.detections(model, graph)
    return None if found is None else from_coco(found, dataset)
