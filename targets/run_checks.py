"""The last look at what a target gave: a Run that cannot be is a failed run, whatever kind of target it is of."""

from __future__ import annotations

import math
from collections.abc import Iterator

from core.errors import RunError
from core.records.job import Job
from core.records.run import Run
from core.records.unavailable import Unavailable
from targets.event_checks import MOST_BYTES, is_count, is_time_us
from targets.target import Target

Complaint = Iterator[tuple[str, bool, object]]
"""What has to hold, in words, whether it does, and what was found."""


def run_checked(target: Target, job: Job) -> Run:
    """What came back from one job; RunError for what no target can have measured."""
    run = target.run(job)
    file = job.artefact.source if target.graph == "int8" else job.artefact.compilation.compiled
    for wanted, holds, found in _complaints(run, job, file.sha256):
        if not holds:
            raise RunError(f"{target.name} says what cannot be: {str(found)[:200]}", wanted)
    return run


def _complaints(run: Run, job: Job, file: str) -> Complaint:
    yield f"the file that was asked for, {file}", run.executed == file, run.executed
    yield f"{len(job.inputs)} outputs", len(run.outputs) == len(job.inputs), f"{len(run.outputs)} outputs"
    kinds = {tuple((tensor.shape, str(tensor.dtype)) for tensor in tensors) for tensors in run.outputs}
    yield "outputs of one shape and type for every input", len(kinds) <= 1, kinds
    yield from _times(run, job.repeats)
    yield from _amounts(run)
    texts = [text for pair in run.fingerprint.items() for text in pair]
    yield "a fingerprint of texts", all(isinstance(text, str) for text in texts), texts


def _times(run: Run, repeats: int) -> Complaint:
    wanted = "finite times in microseconds above 0"
    for samples in (run.latency_us, run.cpu_latency_us, run.lost_us, tuple(run.latency_summary_us.values())):
        wrong = [] if isinstance(samples, Unavailable) else [sample for sample in samples if not is_time_us(sample)]
        yield wanted, not wrong, f"{wrong[:1]} us"
    if not isinstance(run.latency_us, Unavailable):
        yield f"{repeats} samples", len(run.latency_us) == repeats, f"{len(run.latency_us)} samples"


def _amounts(run: Run) -> Complaint:
    share, memory, proof = run.npu_time_share, run.peak_memory_bytes, run.proof
    if not isinstance(share, Unavailable):
        said = f"the NPU was active for {share} of the time"
        yield "a share from 0 to 1 (is npu_clock_hz the NPU's clock?)", math.isfinite(share) and 0 <= share <= 1, said
    if not isinstance(memory, Unavailable):
        yield "bytes of memory, a whole number from 0", is_count(memory, MOST_BYTES), f"{memory} bytes of memory"
    if not isinstance(proof, Unavailable):
        done, every = proof.executed_operators, proof.all_operators
        yield "operators of the file", is_count(done) and is_count(every) and done <= every > 0, f"{done} of {every} operators"
    for name, value in run.counters.items():
        yield "counters that are whole numbers from 0", is_count(value), f"{name} = {value}"
