"""Every metric of docs/reference/metrics.md as a row: which way is better, and whether two runs of the same thing agree."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """`sampled` figures differ from run to run of the same thing on real hardware; all others repeat to the last bit.

    `stats` and `graphs` qualify it, ("",) where it has none; a free stat (a class, a memory area) is "*".
    """

    name: str
    unit: str
    better: Better
    sampled: bool = False
    stats: tuple[str, ...] = ("",)
    graphs: tuple[str, ...] = ("",)

    def repeats(self, evidence: str) -> bool:
        """Whether a figure of this evidence is the same in every run of the same thing; a simulated clock repeats."""
        return not (self.sampled and evidence in VARYING)


VARYING = ("host", "measured")
LATENCIES = ("latency_us", "cpu_latency_us")
LATENCY_STATS = ("median", "p95", "min", "mean")
GRAPHS = ("float", "int8", "npu")
METRICS = (
    Metric("activation", "name", "neither"),
    Metric("same_model_as", "name", "neither"),
    Metric("parameters", "count", "lower"),
    Metric("checkpoint_bytes", "bytes", "neither"),
    Metric("npu_operator_share", "ratio", "higher"),
    Metric("npu_mac_share", "ratio", "higher"),
    Metric("npu_cycle_share", "ratio", "higher"),
    Metric("npu_cpu_crossings", "count", "lower"),
    Metric("operators_executed", "count", "neither"),
    Metric("operators_fused", "count", "neither"),
    Metric("operators_elided", "count", "neither"),
    Metric("operators_cpu", "count", "lower"),
    Metric("macs", "count", "lower"),
    Metric("npu_executed_share", "ratio", "higher"),
    Metric("npu_time_share", "ratio", "higher", sampled=True),
    Metric("npu_cycles", "cycles", "lower", sampled=True, stats=("active", "idle", "total")),
    Metric("npu_beats", "beats", "lower", sampled=True, stats=("*",)),
    Metric("npu_counter", "count", "neither", sampled=True, stats=("*",)),
    Metric("estimated_us", "us", "lower"),
    Metric("estimated_speedup_over_base", "ratio", "higher"),
    Metric("arena_bytes", "bytes", "lower"),
    Metric("flash_bytes", "bytes", "lower"),
    Metric("memory_bytes", "bytes", "lower", stats=("*",)),
    Metric("memory_budget_bytes", "bytes", "neither", stats=("*",)),
    Metric("fitting_imgsz", "px", "higher"),
    Metric("image_size", "px", "neither"),
    Metric("fits", "bool", "higher"),
    Metric("latency_us", "us", "lower", sampled=True, stats=LATENCY_STATS),
    Metric("cpu_latency_us", "us", "lower", sampled=True, stats=LATENCY_STATS),
    Metric("speedup_over_cpu", "ratio", "higher", sampled=True),
    Metric("process_peak_bytes", "bytes", "lower", sampled=True),
    Metric("map50", "ratio", "higher", graphs=GRAPHS),
    Metric("map50_95", "ratio", "higher", graphs=GRAPHS),
    Metric("map50_ultralytics83", "ratio", "higher", graphs=GRAPHS),
    Metric("map50_95_ultralytics83", "ratio", "higher", graphs=GRAPHS),
    Metric("class_map50", "ratio", "higher", stats=("*",), graphs=GRAPHS),
    Metric("class_map50_95", "ratio", "higher", stats=("*",), graphs=GRAPHS),
    Metric("map50_95_drop", "ratio", "lower", stats=("", "low", "high"), graphs=("int8", "npu")),
    Metric("bit_exact", "bool", "higher"),
    Metric("bit_exact_images", "count", "higher"),
)
BY_NAME = {metric.name: metric for metric in METRICS}


def metric_of(name: str, unit: str = "") -> Metric:
    """The row of a metric; one that nobody knows yet compares exactly and is better neither way."""
    return BY_NAME.get(name) or Metric(name, unit, "neither")


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known name that is most like a wrong one, "" when none is."""
    found = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    return found[0] if found else ""
