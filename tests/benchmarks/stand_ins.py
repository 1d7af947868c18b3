"""A pytest plugin for runs under test: targets that do not exist, and several TFLite models in one session.

ETHOS_BENCH_TEST_MODELS, paths joined by ":", makes a session of several models that needs no checkpoint.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import harness.workbench.models as workbench
from core.errors import TargetUnavailable
from core.records.job import Job
from core.records.run import Run
from harness.workbench.models import Model
from targets import kinds
from targets.host import Host
from targets.simulator import Simulator
from targets.target import Graph, Target


class Absent(Target):
    """A target that is never there."""

    @classmethod
    def from_spec(cls, rest: str, options: kinds.TargetOptions) -> Target:
        """Nothing: nobody answers."""
        raise TargetUnavailable(f"no board `{rest}` answers", "a board that is switched on", "ethos-bench doctor")


@dataclass
class Twin(Host):
    """The host under another name."""

    name: str = "twin"


@dataclass
class Unproven(Host):
    """A target that says it runs the compiled file and proves nothing."""

    name: str = "unproven"
    graph: Graph = "npu"

    def run(self, job: Job) -> Run:
        """The host's run, called one of the compiled file."""
        return replace(super().run(job), executed=job.artefact.compilation.compiled.sha256)


@dataclass
class Wrong(Simulator):
    """The simulator with one wrong byte in the last output of the second image."""

    name: str = "wrong"

    def run(self, job: Job) -> Run:
        """The simulator's run, changed."""
        found = super().run(job)
        outputs = [list(tensors) for tensors in found.outputs]
        last = outputs[1][-1].copy()
        last[0, 0, 0, 1] ^= 1
        outputs[1][-1] = last
        return replace(found, outputs=tuple(tuple(tensors) for tensors in outputs))


STAND_INS = {name: kinds.Kind(__name__, name.capitalize(), name) for name in ("absent", "twin", "unproven", "wrong")}


def pytest_load_initial_conftests() -> None:
    """Put the stand-ins in before the session opens."""
    targets: Any = kinds
    targets.TARGETS = {**kinds.TARGETS, **STAND_INS}
    paths = os.environ.get("ETHOS_BENCH_TEST_MODELS")
    if paths:
        models = tuple(Model(Path(path).stem, file=Path(path)) for path in paths.split(":"))
        session: Any = workbench
        session.resolve_models = lambda options: models
