"""A simulator that is wrong in one byte."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.records.job import Job
from core.records.run import Run
from targets.simulator import Simulator


def flip_first_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the first byte of a run's first output is another one."""
    run = Simulator.run

    def wrong(self: Simulator, job: Job) -> Run:
        done = run(self, job)
        first = done.outputs[0][0].copy()
        first.flat[0] ^= 1
        return replace(done, outputs=((first, *done.outputs[0][1:]), *done.outputs[1:]))

    monkeypatch.setattr(Simulator, "run", wrong)
