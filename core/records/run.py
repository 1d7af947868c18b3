"""What came back from a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.records.evidence import Evidence
from core.records.unavailable import Unavailable

NO_CPU_BESIDE = Unavailable("the target has no CPU of its own beside an NPU")


@dataclass(frozen=True)
class Proof:
    """What shows that the NPU did the work: the number of source operators it executed, of how many, and by which sign."""

    executed_operators: int
    all_operators: int
    sign: str

    @property
    def share(self) -> float:
        """Executed operators, 0..1 of all source operators."""
        return self.executed_operators / self.all_operators


HANDED_OVER = ".handed-over.jsonl"
"""End of the name of a journal of samples that the harness has; it goes when they are stored."""

COUNTERS: Mapping[str, tuple[str, str]] = {
    **{f"{stat}_cycles": ("npu_cycles", stat) for stat in ("active", "idle", "total")},
    **{
        f"{port}_{way}_beats": ("npu_beats", f"{port}_{way}")
        for port in ("axi0", "axi1", "sram", "ext")
        for way in ("read", "write")
    },
}
"""Our name of a counter -> the metric and the stat that it is recorded as; any other is an `npu_counter` of its own name."""


@dataclass(frozen=True)
class Run:
    """Outputs and samples of one job.

    `outputs[i]` are the tensors for input i, in the model's order and dtype. `latency_us` are all samples in the order they
    were taken, microseconds, or why there are none. `proof` is the proof of NPU execution, or why there is none; `evidence`
    is what the latency samples and outputs may be called. `npu_time_share` is NPU active time of total time, 0..1.
    `fingerprint` names the target's hardware and software, `executed`
    the SHA-256 of the file that ran. `counters` are the NPU's own for one inference ("active_cycles", "axi0_read_beats"), by
    name; empty when it gave none. `log` is all that the target printed. `cpu_latency_us` are samples of the plain int8 file on
    the CPU beside the NPU, taken in the same way. `lost_us` arrived before a link broke: kept, and never part of a figure.
    `latency_summary_us` (min, mean) is what a tool says that gives no single samples.
    """

    target: str
    evidence: Evidence
    fingerprint: dict[str, str]
    executed: str
    outputs: tuple[tuple[NDArray[np.generic], ...], ...]
    latency_us: tuple[float, ...] | Unavailable
    proof: Proof | Unavailable
    npu_time_share: float | Unavailable
    peak_memory_bytes: int | Unavailable
    counters: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    log: str = field(default="", repr=False)
    cpu_latency_us: tuple[float, ...] | Unavailable = NO_CPU_BESIDE
    lost_us: tuple[float, ...] = ()
    latency_summary_us: dict[str, float] = field(default_factory=dict)
