"""Accuracy records: what a task says of each graph, and what int8 costs."""

from __future__ import annotations

from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.tasks.interval import Interval
from harness.tasks.task import AnyTask, Judged
from harness.workbench.figures import Subject


def accuracy_figures(
    subject: Subject, task: AnyTask, graph: str, found: Judged | Unavailable, evidence: Evidence = Evidence.HOST
) -> list[Measurement]:
    """Every figure of one graph; where nothing could be judged, the task's metrics say why."""
    if isinstance(found, Unavailable):
        return [subject.record(metric, found, evidence, graph=graph) for metric in task.metrics]
    return [
        subject.record(each.metric, each.value, evidence, graph=graph, stat=each.stat, note=each.note)
        for each in found.figures()
    ]


def drop_figures(subject: Subject, task: AnyTask, interval: Interval | Unavailable) -> list[Measurement]:
    """What int8 costs of the task's accuracy: float minus int8, with the bounds of its paired bootstrap interval.

    Where one of the graphs could not be judged, the difference alone, which says why.
    """
    if isinstance(interval, Unavailable):
        metrics = [task.drop_metric] if task.drop_metric else []
        return [subject.record(metric, interval, Evidence.HOST, graph="int8") for metric in metrics]
    note = f"{100 * interval.level:.0f} % paired bootstrap over images"
    values = {"": interval.difference, "low": interval.low, "high": interval.high}
    return [
        subject.record(task.drop_metric, value, Evidence.HOST, stat=stat, graph="int8", note=note)
        for stat, value in values.items()
    ]
