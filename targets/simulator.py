"""The built-in simulator: Vela's file, bit-exact on a simulated NPU; what Vela left to the CPU runs in TFLite Micro."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

import ethosu_simulator
from core.errors import RunError, UsageError
from core.files import sha256
from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.evidence import Evidence
from core.records.job import Job, Tensors
from core.records.placement import Placement
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from targets.kinds import TargetOptions
from targets.target import Graph, Target
from targets.tflite_micro import NAME as MICRO
from targets.tflite_micro import CpuOperators

if TYPE_CHECKING:
    from typing_extensions import Self

Array = NDArray[Any]
Command = tuple[int, int]
"""The number of a stream, from 1, and a byte offset in it."""

NO_CLOCK = Unavailable("the simulator computes what the NPU computes and has no clock; Vela's estimate is `estimated_us`")


@dataclass
class Simulator(Target):
    """Runs compiled files in this process, and CPU operators beside the NPU in children."""

    progress: Progress = lambda _: None
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
            with CpuOperators(content) as cpu:
                steps = Steps(ethosu_simulator.load(compiled.path), cpu, job.artefact.variant, self.progress)
                steps.require_npu(job.artefact.compilation.profile.accelerator_config, what)
                outputs = steps.run(job.feeds)
        except ethosu_simulator.SimulatorError as error:
            raise RunError(f"`{compiled.path}` does not run in the simulator: {error}") from error
        return Run(
            target=self.name,
            evidence=Evidence.SIMULATED_OPEN,
            fingerprint={"simulator": simulator_digest(), **({"cpu": MICRO} if steps.kinds else {})},
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
    """A compiled file that runs image after image; `seen` are the NPU's commands so far."""

    model: ethosu_simulator.Model
    cpu: CpuOperators
    variant: str
    progress: Progress
    seen: set[Command] = field(default_factory=set)
    operations: int = 0
    macs: int = 0

    @property
    def kinds(self) -> list[str]:
        """What runs on the CPU."""
        return [operator.name for operator in self.model.cpu_operators]

    @property
    def streams(self) -> list[ethosu_simulator.NpuOperator]:
        """What runs on the NPU."""
        return [operator for operator in self.model.operators if isinstance(operator, ethosu_simulator.NpuOperator)]

    def require_npu(self, expected: str, what: str) -> None:
        """Raise RunError when a stream is for another NPU than the profile's."""
        for operator in self.streams:
            if operator.config.name != expected:
                raise RunError(f"`{what}` holds a command stream for {operator.config.name}", f"one for {expected}")

    def run(self, images: Sequence[Tensors]) -> list[list[Array]]:
        """The outputs for each image in subgraph order; variables begin anew before the first image and live on from there."""
        if self.kinds:
            self.progress(f"{self.variant}: {', '.join(self.kinds)} on the CPU")
        self.model.reset()
        outputs: list[list[Array]] = []
        for tensors in images:
            self._require_inputs(tensors)
            outputs.append(self._one(tensors))
            self.progress(f"{self.variant}: {len(outputs)} of {len(images)} images simulated")
        return outputs

    def _require_inputs(self, tensors: tuple[Array, ...]) -> None:
        found = [f"{values.dtype} {list(values.shape)}" for values in tensors]
        expected = [f"{tensor.dtype} {list(tensor.shape)}" for tensor in self.model.inputs]
        if found != expected:
            raise RunError(f"inputs {', '.join(found)}", ", ".join(expected))

    def _one(self, tensors: tuple[Array, ...]) -> list[Array]:
        trace: list[ethosu_simulator.Executed] = []
        outputs = self.model.run(tensors, trace, self.cpu)
        for executed in trace:
            self.saw(executed, executed.stream)
        return outputs

    def saw(self, executed: ethosu_simulator.Executed, stream: int) -> None:
        """Count an operation of that stream."""
        self.seen.add((stream, executed.address))
        self.operations += 1
        self.macs += executed.macs

    def proof(self, placement: Placement, what: str) -> Proof:
        """What the trace proves; RunError when the placement promises commands that were not executed."""
        return npu_proof(placement, self.seen, what, self.shares())

    def shares(self) -> str:
        """Which share ran where."""
        said = [f"NPU: {self.operations} operations, {self.macs / 1e9:.3f} GMAC in {len(self.streams)} streams"]
        if self.kinds:
            said.append(f"CPU ({MICRO}): {', '.join(self.kinds)}")
        others = [name for name in self.model.signatures if name != self.model.signature]
        if others:
            said.append(f"signature `{self.model.signature}`; the file offers {', '.join(f'`{name}`' for name in others)} too")
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
