"""A figure is a metric of a case, with its stat and its graph."""

from __future__ import annotations

from core.records.case_key import CaseKey
from core.records.figure_key import FigureKey
from tests.harness.builders import measurement


def test_a_figure_is_called_as_thresholds_call_it() -> None:
    assert str(measurement(metric="latency_us", stat="p95").key) == "latency_us[p95]"
    assert str(measurement(metric="class_map50", stat="Stop", graph="int8").key) == "class_map50[Stop, int8]"
    assert str(measurement(metric="macs").key) == "macs"


def test_the_same_figure_of_two_cases_is_two_keys_of_one_figure() -> None:
    one, other = (FigureKey(CaseKey("v", "", "p", target), "latency_us", "p95") for target in ("host", "sim"))
    assert one != other
    assert one.figure == other.figure == ("latency_us", "p95", "")
