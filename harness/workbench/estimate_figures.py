"""Estimates as records: the whole of an inference and the NPU's part of it by Vela and by our cycle model, and the beats."""

from __future__ import annotations

from collections.abc import Mapping

from conversion.estimates import Estimation
from conversion.speed_findings import operator_cycles, speed_findings
from core.metrics import ESTIMATES
from core.records.artefact import Compilation
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.operator_cycles import ModelCycles
from core.records.unavailable import Unavailable
from harness.workbench.figures import Subject

Times = Mapping[str, float | Unavailable]
"""Microseconds by whose estimate it is: vela, open, open_low, open_high."""
VELA, OPEN, LOW, HIGH = ESTIMATES


def npu_times(compilation: Compilation, estimation: Estimation) -> Times:
    """The NPU's part of an inference."""
    found, clock_mhz = estimation.found, compilation.profile.clock_hz / 1e6
    vela = compilation.npu_estimated_us
    if isinstance(found, Unavailable):
        return {VELA: vela, OPEN: found, LOW: found, HIGH: found}
    return {VELA: vela, OPEN: found.active_cycles / clock_mhz, LOW: found.low / clock_mhz, HIGH: found.high / clock_mhz}


def whole_times(compilation: Compilation, estimation: Estimation) -> Times:
    """A whole inference; unavailable when operators are on the CPU, which no cycle model of an NPU counts."""
    part, placement = npu_times(compilation, estimation), compilation.placement
    if not placement.cpu:
        return part
    left = f"{len(placement.cpu)} of {len(placement.operators)} operators run on the CPU"
    return {stat: Unavailable(f"{left}, which our cycle model does not count") for stat in part} | {
        VELA: compilation.estimated_us
    }


def speedups(base: str, of_base: Times, name: str, own: Times) -> Times:
    """How many times faster a model is than the plain one; the interval is the widest that both intervals allow."""
    pairs = {VELA: (VELA, VELA), OPEN: (OPEN, OPEN), LOW: (LOW, HIGH), HIGH: (HIGH, LOW)}
    return {stat: _ratio(base, of_base[first], name, own[second]) for stat, (first, second) in pairs.items()}


def _ratio(base: str, first: float | Unavailable, name: str, second: float | Unavailable) -> float | Unavailable:
    for model, time in ((base, first), (name, second)):
        if isinstance(time, Unavailable):
            return Unavailable(f"{model}: {time.reason}")
    assert not isinstance(first, Unavailable)
    assert not isinstance(second, Unavailable)
    return first / second if second else Unavailable(f"{name}: no cycles")


def estimate_figures(subject: Subject, compilation: Compilation, estimation: Estimation) -> list[Measurement]:
    """The whole, the NPU's part, and the beats on each port."""
    cpu_note = ", ".join(sorted({operator.operator for operator in compilation.placement.cpu}))
    found = [
        *time_figures(subject, "estimated_us", whole_times(compilation, estimation), estimation),
        *time_figures(subject, "npu_estimated_us", npu_times(compilation, estimation), estimation, cpu_note),
    ]
    if isinstance(estimation.found, Unavailable):
        return found
    ours, note = with_memory(subject, estimation), estimation.found.trust
    beats = estimation.found.beats
    return found + [
        ours.record("npu_estimated_beats", count, Evidence.ESTIMATED, stat=port, note=note) for port, count in beats.items()
    ]


def operations_figure(subject: Subject, estimation: Estimation) -> Measurement:
    """How many computations and transfers the compiled file's streams hold."""
    found = estimation.found
    count = found if isinstance(found, Unavailable) else len(found.operations)
    return subject.record("npu_operations", count, Evidence.COMPILED)


def time_figures(subject: Subject, metric: str, times: Times, estimation: Estimation, cpu_note: str = "") -> list[Measurement]:
    """One metric by Vela and by our model; ours depend on the memory too, and say how far they are validated."""
    ours = with_memory(subject, estimation)
    trust = "" if isinstance(estimation.found, Unavailable) else estimation.found.trust
    notes = {stat: "; ".join(filter(None, (cpu_note, "" if stat == VELA else trust))) for stat in times}
    return [
        (subject if stat == VELA else ours).record(metric, time, Evidence.ESTIMATED, stat=stat, note=notes[stat])
        for stat, time in times.items()
    ]


def with_memory(subject: Subject, estimation: Estimation) -> Subject:
    """The same case for what our cycle model says, which depends on the memory."""
    return subject.with_options({"memory": estimation.memory})


def model_cycles(compilation: Compilation, estimation: Estimation) -> ModelCycles | None:
    """What our model says of each operator of the source graph; None when it says nothing."""
    found = estimation.found
    if isinstance(found, Unavailable):
        return None
    operators, other = operator_cycles(compilation, found)
    return ModelCycles(
        active_cycles=found.active_cycles,
        low=found.low,
        high=found.high,
        memory=estimation.memory,
        trust=found.trust,
        other_cycles=other,
        operators=operators,
        findings=speed_findings(compilation, found),
    )
