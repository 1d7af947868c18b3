"""A Run that cannot be is a failed run, of whatever target."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.errors import RunError
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from targets.run_checks import run_checked
from targets.target import Target

FILE = "a" * 64
SOUND = Run(
    target="ssh:board", evidence=Evidence.MEASURED, fingerprint={"cpu": "x"}, executed=FILE,
    outputs=((np.zeros((1, 2), np.int8),),) * 2, latency_us=(1.0, 2), proof=Proof(3, 3, "sign"), npu_time_share=0.5,
    peak_memory_bytes=7, counters={"active_cycles": 5},
)  # fmt: skip
LIES: tuple[dict[str, Any], ...] = (
    {"latency_us": (-5.0, 1.0)}, {"latency_us": (math.nan, 1.0)}, {"latency_us": (1.0,)}, {"latency_us": ("1", 2.0)},
    {"cpu_latency_us": (math.inf,)}, {"lost_us": (0.0,)}, {"latency_summary_us": {"min": -1.0}}, {"npu_time_share": 1.5},
    {"npu_time_share": math.nan}, {"peak_memory_bytes": -1}, {"peak_memory_bytes": "7"}, {"proof": Proof(4, 3, "s")},
    {"proof": Proof(0, 0, "s")}, {"counters": {"active_cycles": "5"}}, {"counters": {"active_cycles": -5}},
    {"counters": {"active_cycles": 2**64}}, {"executed": "b" * 64}, {"fingerprint": {"cpu": 7}}, {"outputs": ()},
    {"outputs": ((np.zeros(1, np.int8),), (np.zeros(2, np.int8),))},
)  # fmt: skip


class Said(Target):
    name, graph = "ssh:board", "int8"

    def __init__(self, run: Run) -> None:
        self._run = run

    @classmethod
    def from_spec(cls, rest: str, options: Any) -> Said:
        raise NotImplementedError

    def run(self, job: Job) -> Run:
        return self._run


def asked() -> Job:
    artefact: Any = SimpleNamespace(source=SimpleNamespace(sha256=FILE, path=Path("m.tflite")))
    return Job(artefact, (np.zeros(1, np.int8),) * 2, repeats=2)


@pytest.mark.parametrize("change", LIES, ids=lambda change: f"{next(iter(change))}={str(next(iter(change.values())))[:30]}")
def test_a_run_that_cannot_be_has_failed(change: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="ssh:board says what cannot be"):
        run_checked(Said(replace(SOUND, **change)), asked())


def test_a_sound_run_comes_through() -> None:
    unknown = Unavailable("why")
    bare = replace(SOUND, latency_us=unknown, proof=unknown, npu_time_share=unknown, peak_memory_bytes=unknown, counters={})
    for run in (SOUND, bare):
        assert run_checked(Said(run), asked()) is run
