"""The engine `arm`: Arm's own FVP as a child process, one start for each input."""

from __future__ import annotations

import contextlib
import os
import platform as machine
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from core.files import file_sha256
from core.processes import run_child
from core.progress import Progress
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.placement import Placement
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from ethosu_simulator.container import Container
from targets.fvp.command import INPUT, MODEL, OUTPUT, Launch
from targets.fvp.failures import require_success
from targets.fvp.firmware import Firmware
from targets.fvp.fit import shortfalls
from targets.fvp.log import NPU_OPERATOR, RunnerLog
from targets.fvp.model_file import only_input, output_bytes, output_tensors, read_compiled
from targets.fvp.platforms import Platform, corstone
from targets.job_folder import job_errors

Array = NDArray[Any]

NO_CLOCK = Unavailable("an FVP has no clock: its NPU's cycles are in `npu_cycles`, and Arm calls its CPU's unusable")
GRACE_S = 10
"""Beyond the FVP's own time limit, before it is killed."""


@dataclass(kw_only=True)
class ArmFvp:
    """Runs jobs on one FVP executable with one firmware, each start at most `limit_s` seconds long."""

    platform: Platform
    executable: Path
    firmware: Firmware
    limit_s: int
    progress: Progress

    def run(self, job: Job, name: str) -> Run:
        """The job's outputs, the NPU's counters of its first input, and what the log proves; RunError for each failure."""
        artefact = job.artefact
        what = artefact.variant
        content, container = read_compiled(artefact)
        problems = shortfalls(artefact.compilation, self.firmware.arena_bytes)
        if problems:
            raise RunError(f"`{what}` does not fit: {'; '.join(map(str, problems))}", "a model that fits", "--imgsz auto")
        launch = self._launch(artefact, container)
        images = [only_input(container, feed, what) for feed in job.feeds]
        started = [self._start(launch, content, container, image, what) for image in images]
        return self._run(name, artefact, launch, started)

    def _launch(self, artefact: Artefact, container: Container) -> Launch:
        profile = artefact.compilation.profile
        return Launch(
            platform=self.platform, executable=self.executable, firmware=self.firmware.path, macs=profile.macs,
            layout=corstone(profile), limit_s=self.limit_s, output_bytes=output_bytes(container),
        )  # fmt: skip

    def _start(self, launch: Launch, content: bytes, container: Container, image: Array, what: str) -> Started:
        """One start of the FVP on one input."""
        log = RunnerLog()
        with tempfile.TemporaryDirectory(prefix="ethos-bench-fvp-") as place:
            folder = Path(place)
            with job_errors(folder):
                (folder / MODEL).write_bytes(content)
                (folder / INPUT).write_bytes(np.ascontiguousarray(image).tobytes())
            with _start_errors(self.executable):
                finished = run_child(
                    launch.command(),
                    timeout_s=self.limit_s + GRACE_S,
                    on_line=lambda line: self._listen(log, line),
                    cwd=folder,
                    environment=launch.environment(os.environ),
                )
            require_success(what, log, finished, launch)
            return Started(log, _outputs(folder / OUTPUT, log, container, what))

    def _listen(self, log: RunnerLog, line: str) -> None:
        log.listen(line)
        self.progress(f"{self.platform.name}: {log.lines[-1].strip()[:100]}")

    def _run(self, name: str, artefact: Artefact, launch: Launch, started: list[Started]) -> Run:
        first = started[0].log
        counters = first.inferences[-1].counters()
        proof = prove(artefact.compilation.placement, launch, first, counters)
        return Run(
            target=name,
            evidence=Evidence.HOST if isinstance(proof, Unavailable) else Evidence.SIMULATED_FVP,
            fingerprint=self._fingerprint(first),
            executed=artefact.compilation.compiled.sha256,
            outputs=tuple(one.outputs for one in started),
            latency_us=NO_CLOCK,
            proof=proof,
            npu_time_share=_time_share(counters, proof),
            peak_memory_bytes=Unavailable("the memory of the FVP's process says nothing of the platform's"),
            counters=counters if isinstance(proof, Proof) else {},
            notes=_notes(started, counters),
            log="\n".join(one.log.text for one in started),
        )

    def _fingerprint(self, log: RunnerLog) -> dict[str, str]:
        return {
            "engine": "arm",
            "platform": self.platform.name,
            "fvp": f"{self.executable.name} {file_sha256(self.executable)[:12]}",
            "npu_model": log.npu_revision or "not named",
            "firmware": f"{self.firmware.origin} {self.firmware.sha256}",
        }


@dataclass(frozen=True)
class Started:
    """What came back from one start: its log, and the output tensors of its input."""

    log: RunnerLog
    outputs: tuple[Array, ...] = field(repr=False)


def prove(placement: Placement, launch: Launch, log: RunnerLog, counters: dict[str, int]) -> Proof | Unavailable:
    """What a log proves of the NPU: that it told the driver its size, and was active. Without either nothing is proved."""
    if not log.macs:
        return Unavailable("no NPU told the driver its size: this was no FVP with an NPU")
    if not counters["active_cycles"]:
        return Unavailable("the NPU's counter of active cycles is 0: it executed nothing")
    if NPU_OPERATOR not in log.operators:
        return Unavailable(f"the firmware loaded no `{NPU_OPERATOR}` operator")
    done = len(placement.operators) - len(placement.cpu)
    streams = sum(kind == NPU_OPERATOR for kind in log.operators)
    sign = f"{counters['active_cycles']:,} active cycles of an NPU with {log.macs} MACs in {streams} `{NPU_OPERATOR}` operators"
    return Proof(done, len(placement.operators), sign)


def _outputs(path: Path, log: RunnerLog, container: Container, what: str) -> tuple[Array, ...]:
    """The output tensors in the file that the FVP dumped."""
    size = output_bytes(container)
    require_copied(log.inferences[-1], size, what)
    content = path.read_bytes() if path.is_file() else b""
    if len(content) != size:
        raise RunError(f"`{what}`: the FVP dumped {len(content)} bytes of output", f"{size} bytes in `{OUTPUT}`")
    return output_tensors(content, container)


def require_copied(log: RunnerLog, size: int, what: str) -> None:
    """RunError unless the firmware said that it copied so many bytes of output to where they are read."""
    if log.output_bytes != size:
        raise RunError(f"`{what}`: the firmware copied {log.output_bytes} bytes of output", f"{size} bytes")


def _time_share(counters: dict[str, int], proof: Proof | Unavailable) -> float | Unavailable:
    if isinstance(proof, Unavailable):
        return proof
    return counters["active_cycles"] / counters["total_cycles"] if counters["total_cycles"] else Unavailable("0 NPU cycles")


def _notes(started: list[Started], counters: dict[str, int]) -> tuple[str, ...]:
    totals = [counters["total_cycles"], *(one.log.inferences[-1].counters()["total_cycles"] for one in started[1:])]
    notes = [f"arena in use: {started[0].log.inferences[-1].arena_used_bytes} bytes"]
    driver = [line for line in started[0].log.reports if line not in started[0].log.errors]
    if driver:
        notes.append(f"the NPU's driver reports: {' | '.join(driver)[:200]}")
    if len(set(totals)) > 1:
        notes.append(f"NPU cycles by input: {min(totals)} to {max(totals)}")
    return tuple(notes)


@contextlib.contextmanager
def _start_errors(executable: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(
            f"`{executable}` cannot be started: {error.strerror or error}", f"an FVP for {machine.system()} {machine.machine()}"
        ) from error
