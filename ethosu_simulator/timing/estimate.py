"""Cycles and beats of a compiled file, from its command streams alone; docs/reference/timing.md says how far to trust them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ethosu_simulator.command_stream import NpuConfig
from ethosu_simulator.errors import StreamError, WorkLimitError
from ethosu_simulator.npu_operator import NpuOperator
from ethosu_simulator.opening import load
from ethosu_simulator.operations import Computation, Dma
from ethosu_simulator.timing.constants import NOWHERE
from ethosu_simulator.timing.coverage import validation
from ethosu_simulator.timing.hardware import NPUS, Npu
from ethosu_simulator.timing.layout import layout_of
from ethosu_simulator.timing.likeness import likeness
from ethosu_simulator.timing.memories import COUNTERS, MLEK, Memory, memory_for
from ethosu_simulator.timing.places import Places
from ethosu_simulator.timing.result import Estimate, OperationEstimate
from ethosu_simulator.timing.schedule import CAUSES, IDEAL, SERIAL, USUAL
from ethosu_simulator.timing.timeline import Step, Timeline, stops, transfer_step
from ethosu_simulator.timing.traffic import run_cost
from ethosu_simulator.timing.work import Work, work_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethosu_simulator.timing.timeline import Timed

MAX_CHUNKS = 1 << 22  # of a file: work is bounded whatever the streams say
MAX_BEATS = 1 << 33
CAUSE_NAMES = ("compute", "output", "read bandwidth", "write bandwidth", "read latency", "dependency", "weight decoder")
PASSED = ("compute", "output", "read_bandwidth", "write_bandwidth", "read_latency", "dependency", "weight_decoder")


@dataclass(frozen=True)
class _Stream:
    """A stream made ready: what each command asks for, whether its two scratch tensors are one, and its own bytes."""

    steps: tuple[Step, ...]
    one_arena: bool
    stream_bytes: int


@dataclass(frozen=True)
class _Prepared:
    """A file made ready, and the estimates that were asked for since, by memory."""

    config: NpuConfig
    npu: Npu
    streams: tuple[_Stream, ...]
    cpu_operators: int
    estimates: dict[str, Estimate] = field(default_factory=dict)


def estimate(path: str | Path, memory: str | Path | Memory = MLEK) -> Estimate:
    """The estimate of a file that Vela wrote (TFLite or raw npz); SimulatorError names what is wrong or not modelled."""
    prepared = _prepared(Path(path))
    memory = memory_for(memory, f"ethos-{prepared.config.product}", prepared.config.macs)
    key = repr((memory.areas, sorted(memory.regions.items()), memory.name, memory.file))
    if key not in prepared.estimates:
        prepared.estimates[key] = _estimated(prepared, memory)
    return prepared.estimates[key]


def active_cycles(path: str | Path, memory: Memory) -> float:
    """The active cycles alone, without interval and operations."""
    prepared = _prepared(Path(path))
    return sum(_timeline(prepared, stream, memory)[0] for stream in prepared.streams)


def _estimated(prepared: _Prepared, memory: Memory) -> Estimate:
    lines = [_timeline(prepared, stream, memory) for stream in prepared.streams]
    active = sum(end for end, _ in lines)
    low = sum(_timeline(prepared, stream, memory, IDEAL)[0] for stream in prepared.streams)
    high = sum(_timeline(prepared, stream, memory, SERIAL)[0] for stream in prepared.streams)
    beats, moved = _beats(prepared, memory)
    operations = [step.operation for stream in prepared.streams for step in stream.steps]
    validated, why_not = validation(prepared.config, memory, operations)
    return Estimate(
        npu=prepared.config.name,
        memory=memory.name,
        active_cycles=round(active),
        low=round(min(low, active)),
        high=round(max(high, active)),
        beats=beats,
        region_bytes=moved,
        operations=tuple(row for number, (_, timed) in enumerate(lines, 1) for row in _rows(timed, prepared.npu, number)),
        validated=validated,
        why_not=why_not,
        cpu_operators=prepared.cpu_operators,
    )


def _prepared(path: Path) -> _Prepared:
    """The streams of a file, kept for the next estimate of the same bytes."""
    stamp = path.stat() if path.exists() else None
    return _prepare(path, (stamp.st_mtime_ns, stamp.st_size, stamp.st_ino) if stamp else ())


@lru_cache(maxsize=64)
def _prepare(path: Path, _stamp: tuple[int, ...]) -> _Prepared:
    model = load(path)
    operators = [operator for operator in model.operators if isinstance(operator, NpuOperator)]
    config = operators[0].config
    if any(operator.config != config for operator in operators):
        raise StreamError("the file has streams for different NPUs: expected one NPU")
    npu = NPUS[config.product, config.macs]
    return _Prepared(config, npu, _streams(operators, config, npu), len(model.on_the_cpu))


def _streams(operators: Sequence[NpuOperator], config: NpuConfig, npu: Npu) -> tuple[_Stream, ...]:
    chunks, beats, streams, known = 0, 0.0, list[_Stream](), dict[Hashable, Work]()
    for operator in operators:
        steps = []
        for operation in operator.operations:
            if isinstance(operation, Dma):
                steps.append(transfer_step(operation, npu))
                beats += sum(steps[-1].beats)
            elif isinstance(operation, Computation):
                like = likeness(operation)
                if like not in known:
                    known[like] = work_of(operation, config, npu)
                work = known[like]
                chunks += len(work.mac)
                beats += float(work.weights.sum()) * work.weight_beats + float(work.ifm.sum() + work.ofm.sum())
                steps.append(Step(operation, work))
            else:
                steps.append(Step(operation))
            if chunks > MAX_CHUNKS or beats > MAX_BEATS:
                raise WorkLimitError(
                    f"{chunks} IFM chunks and {beats:.0f} beats: expected at most {MAX_CHUNKS} and {MAX_BEATS}"
                )
        if not stops(steps):
            raise StreamError("command stream ends without NPU_OP_STOP")
        streams.append(_Stream(tuple(steps), operator.one_arena, operator.stream_bytes))
    return tuple(streams)


def _timeline(prepared: _Prepared, stream: _Stream, memory: Memory, mode: int = USUAL) -> tuple[float, list[Timed]]:
    timeline = Timeline(prepared.npu, memory, Places(memory, stream.one_arena), mode)
    return timeline.run(list(stream.steps)), timeline.timed


def _beats(prepared: _Prepared, memory: Memory) -> tuple[dict[str, int], dict[str, int]]:
    """(beats by counter, bytes by area) of all streams, the fetch of the streams themselves included."""
    moved = np.zeros((len(memory.areas), 2))
    for stream in prepared.streams:
        places = Places(memory, stream.one_arena)
        moved[places.constants, 0] += run_cost(0, stream.stream_bytes, prepared.npu.bus_bytes)[0]
        for step in stream.steps:
            for region, read, written in _traffic(step):
                moved[places.area(region)] += (read, written)
    first, second = COUNTERS[memory.product]
    counted = {f"{counter}_{way}": 0 for counter in (first, second) for way in ("read", "write")}
    for area, (read, written) in zip(memory.areas, moved.tolist(), strict=True):
        counted[f"{area.counter}_read"] += round(read)
        counted[f"{area.counter}_write"] += round(written)
    if memory.product != "ethos-u85":
        del counted["axi1_write"]  # no counter of the hardware's has it
    held = {
        area.name: round(float(total)) * prepared.npu.bus_bytes
        for area, total in zip(memory.areas, moved.sum(axis=1), strict=True)
    }
    return counted, held


def _traffic(step: Step) -> list[tuple[int, float, float]]:
    """(region, beats read, beats written) of a command."""
    operation, work = step.operation, step.work
    if isinstance(operation, Dma):
        ends = ((operation.source.region, step.beats[0], 0.0), (operation.target.region, 0.0, step.beats[1]))
        return [(region, read, written) for region, read, written in ends if region is not None]
    if work is None:
        return []
    found = [
        (work.ofm_region, 0.0, float(work.ofm[:, 0].sum())),
        (work.ifm_region, float(work.ifm[:, 0].sum()), 0.0),
        (work.ifm2_region, float(work.ifm2[:, 0].sum()), 0.0),
        (work.scale_region, float(work.scales[:, 0].sum()), 0.0),
        (work.weight_region, float(work.weights.sum()) * work.weight_beats, 0.0),
    ]
    return [one for one in found if one[0] != NOWHERE]


def _rows(timed: list[Timed], npu: Npu, stream: int) -> list[OperationEstimate]:
    """The operations of a stream in the order of their ends."""
    rows, last = [], 0.0
    for one in sorted(timed, key=lambda entry: entry.end):
        dma = isinstance(one.step.operation, Dma)
        cycles = 0.0 if dma else one.end - last
        last = last if dma else one.end
        causes = dict(zip(PASSED, one.causes.tolist(), strict=True))
        traffic = _traffic(one.step)
        bound = "transfer" if dma else CAUSE_NAMES[int(np.argmax(one.causes))]
        rows.append(
            OperationEstimate(
                stream=stream,
                address=one.step.operation.address,
                name=one.step.operation.name,
                cycles=cycles,
                units=_units(one.step, npu),
                causes=causes,
                bound=bound,
                read_beats=round(sum(read for _, read, _ in traffic)),
                write_beats=round(sum(written for _, _, written in traffic)),
                layout=layout_of(one.step, npu),
            )
        )
    return rows


def _units(step: Step, npu: Npu) -> dict[str, float]:
    """Busy cycles of each unit, as if nothing ever waited."""
    work = step.work
    if work is None:
        return {"mac": 0.0, "output": 0.0, "elementwise": 0.0, "dma": max(step.beats), "weights": 0.0}
    streamed = work.mac.sum() == 0
    output = float(work.output.sum())
    return {
        "mac": float(work.mac.sum()),
        "output": 0.0 if streamed else output,
        "elementwise": output if streamed else 0.0,
        "dma": 0.0,
        "weights": float(work.weights.sum()) * work.weight_beats / npu.decoders,
    }


assert len(CAUSE_NAMES) == CAUSES
