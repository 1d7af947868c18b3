"""The built-in simulator: Vela's file, bit-exact on a simulated NPU; what Vela left to the CPU runs in TFLite Micro."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import ethosu_simulator
from core.errors import RunError, UsageError
from core.files import sha256
from core.records.artefact import ModelFile
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.placement import Placement
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from targets.kinds import TargetOptions
from targets.target import Graph, Target
from targets.tflite_micro import NAME as MICRO
from targets.tflite_micro import run_micro
from targets.tflite_parts import Segment, cut

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]
Command = tuple[int, int]
"""The number of a stream, from 1, and a byte offset in it."""

NO_CLOCK = Unavailable("the simulator computes what the NPU computes and has no clock; Vela's estimate is `estimated_us`")
IMAGES_AT_ONCE = 8
"""Of a model with operators on the CPU: each of these starts a process once for as many images."""


@dataclass
class Simulator(Target):
    """Runs compiled files in this process, and CPU operators beside the NPU in children."""

    progress: Callable[[str], None] = lambda _: None
    name: str = "sim"
    graph: Graph = "npu"

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The simulator; UsageError when something follows its name."""
        if rest:
            raise UsageError(f"target `sim:{rest}`", "`sim`: the compiled file says which NPU it is for", "--target sim")
        return cls(progress=options.progress)

    def run(self, job: Job) -> Run:
        """The job's outputs with the proof of what the NPU executed.

        RunError when the file is not what was compiled, asks for what is not modelled, or an operator that Vela placed on the
        NPU was not executed there.
        """
        compiled = job.artefact.compilation.compiled
        content = _content(compiled)
        what = compiled.path.name
        try:
            steps = Steps.of(ethosu_simulator.load(compiled.path), content, job.artefact.variant, self.progress)
            steps.require_npu(job.artefact.compilation.profile.accelerator_config, what)
            outputs = steps.run(job.inputs)
        except ethosu_simulator.SimulatorError as error:
            raise RunError(f"`{compiled.path}` does not run in the simulator: {error}") from error
        return Run(
            target=self.name,
            evidence=Evidence.SIMULATED_OPEN,
            fingerprint={"simulator": simulator_digest(), **({"cpu": MICRO} if steps.segments else {})},
            executed=compiled.sha256,
            outputs=tuple(tuple(tensors) for tensors in outputs),
            latency_us=NO_CLOCK,
            proof=steps.proof(job.artefact.compilation.placement, what),
            npu_time_share=NO_CLOCK,
            peak_memory_bytes=Unavailable("the memory of the simulating process says nothing of the NPU's"),
            notes=(steps.shares(),),
        )


@dataclass
class Steps:
    """A compiled file as `ethos-u` operators and runs of CPU operators, in order; `seen` are the NPU's commands so far."""

    model: ethosu_simulator.Model
    plan: tuple[ethosu_simulator.NpuOperator | Segment, ...]
    variant: str
    progress: Callable[[str], None]
    seen: set[Command] = field(default_factory=set)
    operations: int = 0
    macs: int = 0

    @classmethod
    def of(cls, model: ethosu_simulator.Model, content: bytes, variant: str, progress: Callable[[str], None]) -> Self:
        """The steps of a loaded file."""
        plan: list[ethosu_simulator.NpuOperator | Segment] = []
        numbered = enumerate(model.operators)
        for on_npu, group in groupby(numbered, key=lambda item: isinstance(item[1], ethosu_simulator.NpuOperator)):
            members = list(group)
            if on_npu:
                plan += [operator for _, operator in members if isinstance(operator, ethosu_simulator.NpuOperator)]
            else:
                plan.append(cut(content, [position for position, _ in members]))
        return cls(model, tuple(plan), variant, progress)

    @property
    def segments(self) -> list[Segment]:
        """What runs on the CPU."""
        return [step for step in self.plan if isinstance(step, Segment)]

    @property
    def streams(self) -> list[ethosu_simulator.NpuOperator]:
        """What runs on the NPU."""
        return [step for step in self.plan if not isinstance(step, Segment)]

    def require_npu(self, expected: str, what: str) -> None:
        """Raise RunError when a stream is for another NPU than the profile's."""
        for operator in self.streams:
            if operator.config.name != expected:
                raise RunError(f"`{what}` holds a command stream for {operator.config.name}", f"one for {expected}")

    def run(self, images: Sequence[Array]) -> list[list[Array]]:
        """The outputs for each image in subgraph order."""
        if len(self.model.inputs) != 1:
            raise RunError(f"the model has {len(self.model.inputs)} inputs", "one input: an image")
        at_once = IMAGES_AT_ONCE if self.segments else 1
        outputs: list[list[Array]] = []
        for start in range(0, len(images), at_once):
            outputs += self._run(images[start : start + at_once])
            self.progress(f"{self.variant}: {len(outputs)} of {len(images)} images simulated")
        return outputs

    def _run(self, images: Sequence[Array]) -> list[list[Array]]:
        """A few images in step: each operator does all of them before the next one."""
        (entry,) = self.model.inputs
        for image in images:
            if image.shape != entry.shape or str(image.dtype) != entry.dtype:
                raise RunError(f"an input is {image.dtype} {image.shape}", f"{entry.dtype} {entry.shape}")
        values: list[dict[int, Array]] = [{entry.index: image} for image in images]
        number = 0
        for step in self.plan:
            if isinstance(step, Segment):
                self._on_cpu(step, values)
            else:
                number += 1
                self._on_npu(step, number, values)
        return [[held[tensor.index] for tensor in self.model.outputs] for held in values]

    def _on_npu(self, step: ethosu_simulator.NpuOperator, number: int, values: list[dict[int, Array]]) -> None:
        for held in values:
            trace: list[ethosu_simulator.Executed] = []
            results = step.run([self.value(held, tensor) for tensor in step.inputs], trace)
            held.update((tensor.index, result) for tensor, result in zip(step.outputs, results, strict=True))
            self.seen.update((number, executed.address) for executed in trace)
            self.operations += len(trace)
            self.macs += sum(executed.macs for executed in trace)

    @staticmethod
    def value(held: dict[int, Array], tensor: Any) -> Array:
        """A tensor that was computed, or a constant of the file."""
        if tensor.index in held:
            return held[tensor.index]
        if tensor.data:
            values: Array = np.frombuffer(tensor.data, tensor.dtype).reshape(tensor.shape)
            return values
        raise RunError(f"tensor `{tensor.name}` of the compiled file is read before anything wrote it")

    def _on_cpu(self, step: Segment, values: list[dict[int, Array]]) -> None:
        self.progress(f"{self.variant}: {', '.join(step.kinds)} on the CPU")
        what = f"CPU operators {', '.join(step.kinds)}"
        inputs = [[held[index] for index in step.inputs] for held in values]
        for held, results in zip(
            values, run_micro(step.content, inputs, len(step.outputs), step.tensor_bytes, what), strict=True
        ):
            held.update(zip(step.outputs, results, strict=True))

    def proof(self, placement: Placement, what: str) -> Proof:
        """What the trace proves; RunError when the placement promises commands that were not executed."""
        return npu_proof(placement, self.seen, what, self.shares())

    def shares(self) -> str:
        """Which share ran where."""
        said = [f"NPU: {self.operations} operations, {self.macs / 1e9:.3f} GMAC in {len(self.streams)} streams"]
        kinds = [kind for segment in self.segments for kind in segment.kinds]
        if kinds:
            said.append(f"CPU ({MICRO}): {', '.join(kinds)}")
        return "; ".join(said)


def npu_proof(placement: Placement, seen: set[Command], what: str, said: str) -> Proof:
    """What the commands in a trace prove, `said` beside it; RunError when the placement promises some that were not executed.

    A fused or elided operator has no command of its own: it is done when the streams are done, which ran to their end.
    """
    promised = {operator.name: set(operator.commands) - seen for operator in placement.operators if operator.commands}
    missing = {name: commands for name, commands in promised.items() if commands}
    if missing:
        name, commands = next(iter(missing.items()))
        stream, offset = min(commands)
        raise RunError(
            f"the NPU did not execute {len(missing)} operators of `{what}` that Vela placed there, such as `{name}`",
            f"its command at 0x{offset:06x} of stream {stream} in the trace",
        )
    queued = sum(len(operator.commands) for operator in placement.operators)
    done = len(placement.operators) - len(placement.cpu) if seen else 0
    return Proof(done, len(placement.operators), f"{queued} of {queued} commands of the placement in the trace; {said}")


def _content(compiled: ModelFile) -> bytes:
    """The file's bytes; RunError when it is gone or is not the one that was compiled."""
    try:
        content = compiled.path.read_bytes()
    except OSError as error:
        raise RunError(f"`{compiled.path}` cannot be read: {error.strerror}", "the compiled file") from error
    found = sha256(content)
    if found != compiled.sha256:
        raise RunError(f"`{compiled.path}` has changed: its SHA-256 is {found}", f"the compiled file, {compiled.sha256}")
    return content


@functools.cache
def simulator_digest() -> str:
    """Names the simulator's code: the first half of a SHA-256 over its files."""
    digest = hashlib.sha256()
    for path in sorted(Path(ethosu_simulator.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
