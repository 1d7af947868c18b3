"""What a comparison of two runs draws on: earlier runs in the history, and detections on images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from core.errors import HistoryError
from harness.history.run_comparison import Earlier, MapInterval
from harness.history.store import History
from harness.results.stored_run import StoredRun
from harness.statistics.shift import LEVEL
from harness.tasks.detect.bootstrap import Interval, bootstrap_difference
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.detections import Detections, from_coco

QUALIFIERS = ("variant", "profile", "target", "stat", "graph")


def earlier_runs(history: History, *compared: StoredRun) -> Earlier:
    """Values of a figure in runs of the same identity, the two that are compared left out."""
    ids = {run.id for run in compared}

    def earlier(record: Mapping[str, Any]) -> Sequence[float]:
        try:
            points = history.points(record["metric"], **{name: record.get(name, "") for name in QUALIFIERS})
        except HistoryError:
            return ()  # runs read from folders are compared without a history
        return [
            point.record["value"]
            for point in points
            if point.run not in ids
            and "value" in point.record
            and (point.record["identity"], point.record["evidence"]) == (record["identity"], record["evidence"])
        ]

    return earlier


def map_intervals(first: StoredRun, second: StoredRun, dataset: Dataset) -> MapInterval:
    """The paired bootstrap over a data set's images, where both runs kept detections of it."""

    @cache
    def interval(variant: str, graph: str) -> Interval | None:
        found = [_detections(run, variant, graph, dataset) for run in (first, second)]
        if found[0] is None or found[1] is None:
            return None
        return bootstrap_difference(found[0], found[1], dataset, level=LEVEL)

    def of(record: Mapping[str, Any]) -> Interval | None:
        if record["identity"].get("options", {}).get("data") != dataset.identity:
            return None
        return interval(record["variant"], record["graph"])

    return of


def _detections(run: StoredRun, variant: str, graph: str, dataset: Dataset) -> Detections | None:
    found = run.detections(variant, graph)
    return None if found is None else from_coco(found, dataset)
