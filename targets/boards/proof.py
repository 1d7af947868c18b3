"""The placement gate: a board's transcript becomes a Run only with proof that the NPU executed."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import RunError
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from targets.boards.preflight import BoardFacts
from targets.boards.targets_file import Board
from targets.runner.protocol import Delegated, Done, Loaded, NpuSigns, Output, RuntimeFound, State, Summary
from targets.transcript import Transcript

NO_SINGLE_SAMPLES = Unavailable("benchmark_model gives mean and minimum, and no single samples")
NO_SAMPLES = Unavailable("no repeats were asked for")
NPU_DRIVERS = ("ethosu", "ethos-u", "ethos_u")


class NoProof(RunError):
    """A run that ended and shows no sign of the NPU."""


@dataclass(frozen=True, kw_only=True)
class BoardRun:
    """What a board did with one artefact: transcripts of the NPU's run and of the plain int8 file on the board's CPU."""

    name: str
    board: Board
    facts: BoardFacts
    artefact: Artefact
    executed: str
    npu: Transcript
    cpu: Transcript | Unavailable
    threads: int
    notes: tuple[str, ...] = ()

    def run(self) -> Run:
        """The Run; RunError without proof that the NPU executed."""
        proof = self._proof()
        samples = self.npu.samples
        return Run(
            target=self.name,
            evidence=self.evidence,
            fingerprint=self._fingerprint(),
            executed=self.npu.one(Loaded).sha256,
            outputs=self.npu.outputs(),
            latency_us=samples or (NO_SINGLE_SAMPLES if self.summary else NO_SAMPLES),
            proof=proof,
            npu_time_share=self._time_share(samples),
            peak_memory_bytes=self.npu.one(Done).peak_memory_bytes or Unavailable("benchmark_model does not say"),
            notes=(*self.notes, *self.npu.notes, *self._warnings()),
            cpu_latency_us=self._cpu_samples(),
            lost_us=tuple(self.npu.lost),
            latency_summary_us={"min": self.summary.min, "mean": self.summary.avg} if self.summary else {},
        )

    @property
    def evidence(self) -> Evidence:
        """`measured` only for a real device node whose driver is an Ethos-U's; a stand-in gives `host`."""
        npu = self.npu.one(NpuSigns)
        real = npu.device == "character device" and any(driver in npu.driver for driver in NPU_DRIVERS)
        return Evidence.MEASURED if real else Evidence.HOST

    def require_complete(self, inputs: int, repeats: int) -> None:
        """Raise RunError unless the file asked for ran, with every output and sample."""
        executed = self.npu.one(Loaded).sha256
        if executed != self.executed:
            raise RunError(f"{self.name} ran another file: SHA-256 {executed}", f"{self.executed}")
        found = (len(self.npu.all(Output)), self.summary.count if self.summary else len(self.npu.samples))
        if found != (inputs, repeats):
            raise RunError(
                f"{self.name} gave {found[0]} outputs and {found[1]} samples", f"{inputs} outputs and {repeats} samples"
            )

    @property
    def summary(self) -> Summary | None:
        """What a tool without single samples says of its loop, None for the runner."""
        return self.npu.last(Summary)

    def _proof(self) -> Proof:
        placement = self.artefact.compilation.placement
        delegated = self.npu.one(Delegated)
        taken, left = delegated.by_delegate, delegated.left
        if self.board.kind == "teflon":
            if not taken:
                raise self._no_proof(f"the delegate took none of {delegated.operators} operators: the CPU did the work")
            return Proof(len(taken), delegated.operators, f"{self._moved()}; {len(taken)} operators in partitions")
        if "ethos-u" in left or taken.count("ethos-u") == 0:
            raise self._no_proof(f"the delegate took over {taken or 'nothing'} and left {left or 'nothing'}")
        executed = len(placement.operators) - len(placement.cpu)
        return Proof(
            executed, len(placement.operators), f"{self._moved()}; {taken.count('ethos-u')} ethos-u operators delegated"
        )

    def _moved(self) -> str:
        """How the NPU showed that it worked; RunError when it did not."""
        npu = self.npu.one(NpuSigns)
        counters, interrupts = npu.counters, npu.interrupts
        if counters and min(counters) <= 0:
            raise self._no_proof(f"the NPU's cycle counter stood still in {counters.count(0)} of {len(counters)} inferences")
        if not counters and interrupts <= 0:
            raise self._no_proof("no cycle counter and no interrupt of the NPU moved")
        said = []
        if counters:
            said.append(f"cycle counter moved {len(counters)} times, by {counters[-1]} at last")
        if interrupts > 0:
            said.append(f"{interrupts} interrupts")
        return ", ".join(said)

    def _no_proof(self, reason: str) -> NoProof:
        hint = 'delegate_options = { enable_cycle_counter = "true" }' if "no cycle counter" in reason else ""
        return NoProof(f"no proof that the NPU of {self.name} executed: {reason}", "a delegate that runs the NPU", hint)

    def _time_share(self, samples: tuple[float, ...]) -> float | Unavailable:
        """NPU active time of total time, where the counter is a real NPU's and its clock is known."""
        counters = self.npu.one(NpuSigns).counters
        if self.evidence is not Evidence.MEASURED:
            return Unavailable("a stand-in has no clock")
        if not (counters and samples and self.board.npu_clock_hz):
            return Unavailable("the NPU's clock is not given (npu_clock_hz in targets.toml)")
        inferences = len(self.npu.all(Output)) + len(samples)
        cycles = sum(counters) / max(1, inferences)
        return float(cycles / self.board.npu_clock_hz / (sum(samples) / len(samples) / 1e6))

    def _cpu_samples(self) -> tuple[float, ...] | Unavailable:
        if isinstance(self.cpu, Unavailable):
            return self.cpu
        return self.cpu.samples or (NO_SINGLE_SAMPLES if self.summary else NO_SAMPLES)

    def _fingerprint(self) -> dict[str, str]:
        runtime = self.npu.one(RuntimeFound)
        found = {
            "board": self.facts.first("soc") or self.board.host,
            "cpu": self.facts.first("cpu") or self.facts.first("machine"),
            "kernel": self.facts.first("kernel"),
            "runtime": f"{runtime.name} {runtime.version}",
            "delegate": f"{self.board.delegate} {self.facts.first('delegate')[:12]}",
            "npu": self.npu.one(NpuSigns).driver or "stand-in",
            "threads": str(self.threads),
        }
        return {key: value for key, value in found.items() if value}

    def _warnings(self) -> list[str]:
        """What may have disturbed the samples."""
        states = self.npu.all(State)
        said = []
        if any(state.throttled for state in states):
            said.append("the board throttled: a cooling device was at work")
        governors = {state.governor for state in states} - {"unknown", "performance"}
        if governors:
            said.append(f"governor {', '.join(sorted(governors))}: the clock is not fixed")
        if self.evidence is not Evidence.MEASURED:
            said.append(f"`{self.board.device}` is no NPU's device node: times say nothing of an NPU")
        return said
