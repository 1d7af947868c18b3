"""The CPU of this machine: int8 source files in ai-edge-litert with XNNPACK. Reference for speed, never proof of an NPU."""

from __future__ import annotations

import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from core.errors import RunError
from core.files import read_regular
from core.processes import Finished, run_child
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from core.safe_paths import path_inside
from targets.job_folder import job_errors
from targets.kinds import TargetOptions
from targets.runner.protocol import Done, Failed, Kernels, Loaded, Output, RunnerJob, Runtime, RuntimeFound, Sample
from targets.runner_archive import runner_archive
from targets.target import Graph, Target
from targets.transcript import Transcript

if TYPE_CHECKING:
    from typing_extensions import Self

RUNNER = "tflite_runner.pyz"
RUNTIME: Runtime = "ai_edge_litert"
SECONDS_PER_INFERENCE = 30.0
START_SECONDS = 60.0
NO_NPU = Unavailable("the host CPU has no NPU")


@dataclass
class Host(Target):
    """Runs a job in a child process of its own, so that a crash in the runtime is an error here and memory is the job's."""

    threads: int
    name: str = "host"
    graph: Graph = "int8"
    kernels: Kernels = "default"

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The host CPU with `options.threads` threads."""
        return cls(threads=options.threads)

    def run(self, job: Job) -> Run:
        """The job's outputs and samples; RunError when the runtime refuses the file or dies."""
        with tempfile.TemporaryDirectory(prefix="ethos-bench-host-") as name:
            folder = Path(name)
            said = Transcript(asked={Output: len(job.inputs), Sample: job.repeats})
            with job_errors(folder):
                command = [sys.executable, "-I", *_write_job(job, folder, self.threads, self.kernels)]
            inferences = len(job.inputs) + job.warmup + job.repeats
            limit = START_SECONDS + SECONDS_PER_INFERENCE * inferences
            finished = run_child(command, timeout_s=limit, on_line=said.hear)
            _require_complete(job, said, finished)
            said.files = {file: read_regular(path_inside(folder, file)) for output in said.all(Output) for file in output.files}
            return Run(
                target=self.name,
                evidence=Evidence.HOST,
                fingerprint=self._fingerprint(said.one(RuntimeFound)),
                executed=said.one(Loaded).sha256,
                outputs=said.outputs(),
                latency_us=said.samples if job.repeats else Unavailable("no repeats were asked for"),
                proof=NO_NPU,
                npu_time_share=NO_NPU,
                peak_memory_bytes=said.one(Done).peak_memory_bytes or Unavailable("the runner does not say"),
                log=finished.stderr,
            )

    def _fingerprint(self, runtime: RuntimeFound) -> dict[str, str]:
        return {
            "cpu": _cpu_model(),
            "cores": str(psutil.cpu_count()),
            "machine": runtime.machine,
            "runtime": f"{runtime.name} {runtime.version}",
            "kernels": "xnnpack" if self.kernels == "default" else self.kernels,
            "threads": str(self.threads),
        }


def _require_complete(job: Job, said: Transcript, finished: Finished) -> None:
    """Raise RunError unless every output and every sample of the job arrived."""
    source = job.artefact.source
    if failed := said.last(Failed):
        raise RunError(f"`{source.path}` does not run on the host: {failed.message}")
    if said.last(Done) is None or finished.returncode:
        last = " | ".join(finished.stderr.strip().splitlines()[-3:])
        how = "ran out of time" if finished.timed_out else f"ended with {finished.returncode}"
        raise RunError(f"the runner {how} on `{source.path}`: {last[:500]}", "a run that reports its end")
    executed = said.one(Loaded).sha256
    if executed != source.sha256:
        raise RunError(f"`{source.path}` has changed: its SHA-256 is {executed}", f"the converted file, {source.sha256}")
    outputs, samples = len(said.all(Output)), len(said.samples)
    if outputs != len(job.inputs) or samples != job.repeats:
        raise RunError(
            f"the runner gave {outputs} outputs and {samples} samples of `{source.path}`",
            f"{len(job.inputs)} outputs and {job.repeats} samples",
        )


def _write_job(job: Job, folder: Path, threads: int, kernels: Kernels) -> list[str]:
    """The arguments of Python that run the job, whose files lie in a folder: runner, job, the inputs as raw bytes."""
    inputs: list[list[str]] = []
    for index, feed in enumerate(job.feeds):
        paths = [folder / f"input-{index}-{number}.bin" for number in range(len(feed))]
        for path, data in zip(paths, feed, strict=True):
            path.write_bytes(np.ascontiguousarray(data).tobytes())
        inputs.append(list(map(str, paths)))
    asked = RunnerJob(
        model=str(job.artefact.source.path),
        inputs=inputs,
        outputs=str(folder),
        repeats=job.repeats,
        warmup=job.warmup,
        threads=threads,
        runtime=RUNTIME,
        kernels=kernels,
    )
    runner, path = folder / RUNNER, folder / "job.json"
    runner.write_bytes(runner_archive())
    path.write_text(asked.to_json(), "utf-8")
    return [str(runner), str(path)]


def _cpu_model() -> str:
    """The CPU's name as the kernel gives it, else the architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
