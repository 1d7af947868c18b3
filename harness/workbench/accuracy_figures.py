"""Accuracy records: mAP under COCO's rules and under the published metric, per class, and what int8 costs."""

from __future__ import annotations

from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.tasks.detect.bootstrap import Interval
from harness.workbench.detectors import Detected
from harness.workbench.figures import Subject

MAP_METRICS = ("map50", "map50_95", "map50_ultralytics83", "map50_95_ultralytics83")


def accuracy_figures(
    subject: Subject, graph: str, found: Detected | Unavailable, evidence: Evidence = Evidence.HOST
) -> list[Measurement]:
    """The four mAP figures of one graph and, under COCO's rules, those of each class with its number of boxes."""
    if isinstance(found, Unavailable):
        return [subject.record(metric, found, evidence, graph=graph) for metric in MAP_METRICS]
    coco, published = found.accuracy, found.published_accuracy
    values = dict(zip(MAP_METRICS, (coco.map50, coco.map50_95, published.map50, published.map50_95), strict=True))
    note = f"{len(found.dataset.images)} images, {found.runtime}"
    records = [subject.record(metric, value, evidence, graph=graph, note=note) for metric, value in values.items()]
    for entry in coco.per_class:
        boxes = f"{entry.box_count} boxes"
        for metric, value in (("class_map50", entry.ap50), ("class_map50_95", entry.ap50_95)):
            records.append(subject.record(metric, value, evidence, graph=graph, stat=entry.name, note=boxes))
    return records


def drop_figures(subject: Subject, interval: Interval) -> list[Measurement]:
    """What int8 costs in mAP50-95: float minus int8, with the bounds of its paired bootstrap interval."""
    note = f"{100 * interval.level:.0f} % paired bootstrap over images"
    values = {"": interval.difference, "low": interval.low, "high": interval.high}
    return [
        subject.record("map50_95_drop", value, Evidence.HOST, stat=stat, graph="int8", note=note)
        for stat, value in values.items()
    ]
