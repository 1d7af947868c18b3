"""Fields that older versions did not write, told from the texts that they wrote instead.

The only place where a text is taken apart. What is read here is only looked at: a run is kept and given on as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.metrics import metric_of
from core.records.case_key import CaseKey
from core.records.failure import Failure
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from core.records.verdict import Verdict

SHORTFALL = "does not fit: "


def with_kind(record: Measurement) -> Measurement:
    """The record with the kind of its reason, and with the stat that was meant where it had none: an estimate was Vela's."""
    meant = metric_of(record.metric).stat
    if meant and not record.stat:
        record = replace(record, stat=meant)
    reason = record.unavailable
    if reason is None or reason.kind or not reason.reason.startswith(SHORTFALL):
        return record
    return replace(record, value=Unavailable(reason.reason, "shortfall"))


def with_figure(verdict: Verdict, figures: Mapping[FigureKey, Measurement]) -> Verdict:
    """The verdict with the metric and the graph that it was given on: of several graphs the one whose value it shows."""
    metric = verdict.text.partition(" = ")[0]
    if verdict.metric or not verdict.unit or not metric.isidentifier():
        return verdict
    own = [figure for key, figure in figures.items() if (key.case, key.metric) == (verdict.case, metric)]
    graph = next((figure.graph for figure in own if figure.value == verdict.found), "")
    return replace(verdict, metric=metric, graph=graph)


def with_case(failure: Failure, cases: Iterable[CaseKey]) -> Failure:
    """The failure with the name of its test and its case: the one whose id stands whole in the brackets of the test's."""
    if failure.name:
        return failure
    name, _, brackets = failure.test.rpartition("::")[2].partition("[")
    own = next((case for case in cases if brackets == f"{case}]" or brackets.startswith(f"{case}: ")), None)
    if own is None:
        return replace(failure, name=name)
    return replace(failure, name=name, variant=own.variant, build=own.build, profile=own.profile, target=own.target)
