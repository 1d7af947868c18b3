"""The CPU of this machine: int8 source files in ai-edge-litert with XNNPACK. Reference for speed, never proof of an NPU."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
from numpy.typing import NDArray

from core.errors import RunError
from core.processes import Finished, run_child
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.job_folder import job_errors
from targets.kinds import TargetOptions
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self

RUNNER = Path(__file__).parent / "runner" / "tflite_runner.py"
RUNTIME = "ai_edge_litert"
SECONDS_PER_INFERENCE = 30.0
START_SECONDS = 60.0
NO_NPU = Unavailable("the host CPU has no NPU")


@dataclass
class Host(Target):
    """Runs a job in a child process of its own, so that a crash in the runtime is an error here and memory is the job's."""

    threads: int
    name: str = "host"
    graph: Graph = "int8"

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The host CPU with `options.threads` threads."""
        return cls(threads=options.threads)

    def run(self, job: Job) -> Run:
        """The job's outputs and samples; RunError when the runtime refuses the file or dies."""
        with tempfile.TemporaryDirectory(prefix="ethos-bench-host-") as name:
            folder = Path(name)
            report = Report(folder)
            with job_errors(folder):
                command = [sys.executable, "-I", str(RUNNER), str(_write_job(job, folder, self.threads))]
            inferences = len(job.inputs) + job.warmup + job.repeats
            limit = START_SECONDS + SECONDS_PER_INFERENCE * inferences
            finished = run_child(command, timeout_s=limit, on_line=report.listen)
            report.require_complete(job, finished)
            return Run(
                target=self.name,
                evidence=Evidence.HOST,
                fingerprint=self._fingerprint(report),
                executed=report.facts["loaded"]["sha256"],
                outputs=tuple(report.outputs(index) for index in range(len(job.inputs))),
                latency_us=tuple(report.samples) if job.repeats else Unavailable("no repeats were asked for"),
                proof=NO_NPU,
                npu_time_share=NO_NPU,
                peak_memory_bytes=int(report.facts["done"]["peak_memory_bytes"]),
                log=finished.stderr,
            )

    def _fingerprint(self, report: Report) -> dict[str, str]:
        runtime = report.facts["runtime"]
        return {
            "cpu": _cpu_model(),
            "cores": str(psutil.cpu_count()),
            "machine": runtime["machine"],
            "runtime": f"{runtime['name']} {runtime['version']}",
            "kernels": "xnnpack",
            "threads": str(self.threads),
        }


@dataclass
class Report:
    """What a runner says, line by line."""

    folder: Path
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, list[str]] = field(default_factory=dict)
    samples: list[float] = field(default_factory=list)

    def listen(self, line: str) -> None:
        """Take in one line; what is no event (a library's banner) is passed over."""
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not isinstance(event, dict) or "event" not in event:
            return
        if event["event"] == "sample":
            self.samples.append(float(event["us"]))
        elif event["event"] == "output":
            self.files[event["input"]] = event["files"]
        else:
            self.facts[event["event"]] = event

    def require_complete(self, job: Job, finished: Finished) -> None:
        """Raise RunError unless every output and every sample of the job arrived."""
        model = job.artefact.source.path
        if "error" in self.facts:
            raise RunError(f"`{model}` does not run on the host: {self.facts['error']['message']}")
        if "done" not in self.facts or finished.returncode:
            last = " | ".join(finished.stderr.strip().splitlines()[-3:])
            how = "ran out of time" if finished.timed_out else f"ended with {finished.returncode}"
            raise RunError(f"the runner {how} on `{model}`: {last[:500]}", "a run that reports its end")
        executed, expected = self.facts["loaded"]["sha256"], job.artefact.source.sha256
        if executed != expected:
            raise RunError(f"`{model}` has changed: its SHA-256 is {executed}", f"the converted file, {expected}")
        if len(self.files) != len(job.inputs) or len(self.samples) != job.repeats:
            raise RunError(
                f"the runner gave {len(self.files)} outputs and {len(self.samples)} samples of `{model}`",
                f"{len(job.inputs)} outputs and {job.repeats} samples",
            )

    def outputs(self, index: int) -> tuple[NDArray[np.generic], ...]:
        """The output tensors of one input, in the model's order, shape and dtype."""
        described = self.facts["loaded"]["outputs"]
        return tuple(
            np.frombuffer((self.folder / name).read_bytes(), dtype=tensor["dtype"]).reshape(tensor["shape"])
            for name, tensor in zip(self.files[index], described, strict=True)
        )


def _write_job(job: Job, folder: Path, threads: int) -> Path:
    """The runner's job file, with the inputs as raw bytes beside it."""
    inputs = [folder / f"input-{index}.bin" for index in range(len(job.inputs))]
    for path, data in zip(inputs, job.inputs, strict=True):
        path.write_bytes(np.ascontiguousarray(data).tobytes())
    content = {
        "model": str(job.artefact.source.path),
        "inputs": [str(path) for path in inputs],
        "outputs": str(folder),
        "repeats": job.repeats,
        "warmup": job.warmup,
        "threads": threads,
        "runtime": RUNTIME,
    }
    path = folder / "job.json"
    path.write_text(json.dumps(content))
    return path


def _cpu_model() -> str:
    """The CPU's name as the kernel gives it, else the architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
