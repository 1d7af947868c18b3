"""Files that hold streams of an NPU already (ExecuTorch programs, raw npz of Vela's): as a graph, and as a compilation.

What Vela knew when it compiled them is not in them: neither the source operators nor an estimate. The operators of such a file
are the operations of its streams, and the kernels that the program calls beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from conversion.file_kinds import file_kind
from conversion.profile_files import load_profile
from core.errors import ModelError, UsageError
from core.files import file_sha256
from core.records.artefact import Compilation, Estimate, ModelFile
from core.records.placement import PlacedOperator, Placement
from core.records.profile import MemoryArea, Profile
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Operator, Tensor

if TYPE_CHECKING:
    from ethosu_simulator import Model, NpuOperator, Program
    from ethosu_simulator.container import Tensor as SimulatorTensor

NO_ESTIMATE = Unavailable("the file is compiled already: Vela's estimate is not in it")
NO_VERSION = "not written in the file"
KERNEL = "a kernel of the program's own: it was not delegated to the NPU"
QUANTIZERS = {
    "quantized_decomposed::quantize_per_tensor.out": "QUANTIZE",
    "quantized_decomposed::dequantize_per_tensor.out": "DEQUANTIZE",
}
"""Kernels that convert numbers and multiply nothing that counts -> TFLite's name of the same."""


def profile_of_stream(path: Path, npu: str, names: Sequence[str]) -> Profile:
    """The profile of a file whose stream is for `npu`: the one that was named, else the NPU's own; UsageError for another."""
    if len(names) > 1:
        raise UsageError(
            f"`{path.name}` is compiled, and {len(names)} profiles are named", f"one profile for {npu}, or no --npu"
        )
    profile = load_profile(names[0] if names else npu)
    if profile.accelerator_config != npu:
        raise UsageError(
            f"`{path.name}` is compiled for {npu}, `--npu {profile.name}` is {profile.accelerator_config}",
            "the NPU that the file was compiled for, or no --npu",
            f"ethos-bench inspect {path.name}",
        )
    return profile


def compiled_npu(path: Path) -> str:
    """The NPU that a file's streams are for ("ethos-u65-256"); ModelError when it is damaged."""
    return streams_of(_loaded(path))[0].config.name


def streams_of(model: Model) -> list[NpuOperator]:
    """What runs on the NPU, in order."""
    from ethosu_simulator import NpuOperator

    return [operator for operator in model.operators if isinstance(operator, NpuOperator)]


def compiled_graph(path: Path) -> TfliteGraph:
    """What goes in and out, and one operator for each stream and kernel; `weights` is the fingerprint of all constants."""
    from ethosu_simulator import Program

    model = _loaded(path)
    tensors, operators = _steps(model) if isinstance(model, Program) else _streams(model)
    places = {tensor.name: tensor for tensor in tensors}
    constants, streams = hashlib.sha256(), hashlib.sha256()
    for stream in streams_of(model):
        constants.update(stream.constants.tobytes())
        streams.update(repr(stream.commands).encode())
    return TfliteGraph(
        name=path.name,
        operators=operators,
        tensors=tensors,
        inputs=tuple(places[tensor.name] for tensor in model.inputs),
        outputs=tuple(places[tensor.name] for tensor in model.outputs),
        weights=constants.hexdigest(),
        structure=streams.hexdigest(),
    )


def compiled_already(file: ModelFile, profile: Profile) -> Compilation:
    """A file as the compilation that it came from; UsageError when the profile is for another NPU."""
    model = _loaded(file.path)
    streams = streams_of(model)
    profile_of_stream(file.path, streams[0].config.name, [profile.path or profile.name])
    if file_sha256(file.path) != file.sha256:
        raise ModelError(f"`{file.path}` has changed since it was opened", f"the file with SHA-256 {file.sha256}")
    return Compilation(
        compiled=file,
        profile=profile,
        vela_version=NO_VERSION,
        command=tuple(_flags(model, streams[0])),
        estimate=_estimate(streams, profile),
        placement=_placement(model),
        log="",
    )


def memory_needs(streams: Sequence[NpuOperator], profile: Profile) -> dict[MemoryArea, int]:
    """Bytes by memory area: every stream has the same scratch in turn, so the largest counts; constants and streams add up."""
    scratch, fast = (max(sizes) for sizes in zip(*(stream.arena_sizes for stream in streams), strict=True))
    constants = sum(stream.constant_bytes + stream.stream_bytes for stream in streams)
    needs: dict[MemoryArea, int] = {}
    for area, need in ((profile.arena_area, scratch), (profile.constants_area, constants), ("sram", fast)):
        needs[area] = needs.get(area, 0) + need
    return needs


def _loaded(path: Path) -> Model:
    import ethosu_simulator

    try:
        model = ethosu_simulator.load(path)
    except (ethosu_simulator.SimulatorError, OSError) as error:
        raise ModelError(f"`{path.name}`: {error}", f"a {file_kind(path)} for Ethos-U as it was written") from error
    if not streams_of(model):
        raise ModelError(f"`{path.name}` holds no stream of an NPU", "a file that was compiled for Ethos-U")
    return model


def _flags(model: Model, stream: NpuOperator) -> list[str]:
    from ethosu_simulator import Program

    return model.compiled_with(stream).get("compile_flags", "").split() if isinstance(model, Program) else []


def _estimate(streams: Sequence[NpuOperator], profile: Profile) -> Estimate:
    return Estimate(
        cycles=NO_ESTIMATE,
        latency_us=NO_ESTIMATE,
        npu_cycles=NO_ESTIMATE,
        macs=NO_ESTIMATE,
        memory_bytes={str(area): need for area, need in memory_needs(streams, profile).items()},
        arena_area=profile.arena_area,
        constants_area=profile.constants_area,
    )


def _placement(model: Model) -> Placement:
    """Every operation of the streams and every kernel, in the order in which they run."""
    rows = list(_rows(model))
    sides = [row.where == "cpu" for row in rows]
    kernels = {row.operator for row in rows if row.where == "cpu"} - set(QUANTIZERS)
    return Placement(
        operators=tuple(replace(row, index=index) for index, row in enumerate(rows)),
        crossings=sum(before != after for before, after in pairwise(sides)),
        limits=("the operators are those of the streams: what they were made of is not in a compiled file",),
        uncounted=tuple(sorted(kernels)),
    )


def _rows(model: Model) -> Iterator[PlacedOperator]:
    from ethosu_simulator import NpuOperator
    from ethosu_simulator.npu import macs
    from ethosu_simulator.operations import Computation

    number = 0
    for operator in model.operators:
        if not isinstance(operator, NpuOperator):
            yield PlacedOperator(
                index=0,
                operator=operator.name,
                name=f"step {operator.position}",
                where="cpu",
                macs=0,
                npu_cycles=0,
                reason=KERNEL,
            )
            continue
        number += 1
        for operation in operator.operations:
            if isinstance(operation, Computation):
                yield PlacedOperator(
                    index=0,
                    operator=operation.opcode.removeprefix("NPU_OP_"),
                    name=f"stream {number}, 0x{operation.address:06x}",
                    where="executed",
                    macs=macs(operation),
                    npu_cycles=NO_ESTIMATE,
                    commands=((number, operation.address),),
                    compute_cycles=NO_ESTIMATE,
                    staging_bytes=NO_ESTIMATE,
                )


def _streams(model: Model) -> tuple[tuple[Tensor, ...], tuple[Operator, ...]]:
    """The tensors that go in and out of a raw file, and an operator for each stream."""
    every = {tensor.name: tensor for tensor in (*model.inputs, *model.outputs)}
    tensors = tuple(_tensor(index, tensor, None) for index, tensor in enumerate(every.values()))
    places = {tensor.name: tensor.index for tensor in tensors}
    operators = tuple(
        _of_stream(number, [places[t.name] for t in stream.inputs], [places[t.name] for t in stream.outputs], tensors)
        for number, stream in enumerate(streams_of(model))
    )
    return tensors, operators


def _steps(program: Program) -> tuple[tuple[Tensor, ...], tuple[Operator, ...]]:
    """The tensors of a program, with the scales that its kernels give them, and an operator for each step."""
    file = program.file
    scales = dict(_scales(program))
    tensors = tuple(
        _tensor(index, known.tensor, scales.get(number)) for index, (number, known) in enumerate(sorted(file.tensors.items()))
    )
    places = {number: index for index, number in enumerate(sorted(file.tensors))}
    operators: list[Operator] = []
    for step in file.steps:
        if step.moves:
            continue
        values = [places[number] for number in step.arguments if number in places]
        index = len(operators)
        if step.delegate >= 0:
            taken = len(program.delegates[step.delegate].inputs)
            operators.append(_of_stream(index, values[:taken], values[taken:], tensors))
        else:
            kind, out = QUANTIZERS.get(step.kernel, step.kernel), values[-1:]
            inputs = tuple(value for value in values if value not in out)
            name = tensors[out[0]].name if out else ""
            custom = kind not in QUANTIZERS.values()
            operators.append(
                Operator(index=index, kind=kind, inputs=inputs, outputs=tuple(out), output_name=name, custom=custom)
            )
    return tensors, tuple(operators)


def _scales(program: Program) -> Iterator[tuple[int, tuple[float, int]]]:
    """(number of an integer value, its scale and zero point) as quantize and dequantize kernels say them."""
    scalars = program.file.scalars
    for step in program.file.steps:
        kind = QUANTIZERS.get(step.kernel, "")
        if kind and len(step.arguments) > 3 and step.arguments[1] in scalars and step.arguments[2] in scalars:
            number = step.arguments[-1] if kind == "QUANTIZE" else step.arguments[0]
            yield number, (float(scalars[step.arguments[1]]), int(scalars[step.arguments[2]]))


def _of_stream(index: int, inputs: Sequence[int], outputs: Sequence[int], tensors: Sequence[Tensor]) -> Operator:
    name = tensors[outputs[0]].name if outputs else ""
    return Operator(index=index, kind="ethos-u", inputs=tuple(inputs), outputs=tuple(outputs), output_name=name, custom=True)


def _tensor(index: int, tensor: SimulatorTensor, scale: tuple[float, int] | None) -> Tensor:
    scales, zero_points = ((scale[0],), (scale[1],)) if scale else ((), ())
    return Tensor(
        index=index,
        name=tensor.name,
        shape=tuple(tensor.shape),
        dtype=tensor.dtype,
        scales=scales,
        zero_points=zero_points,
        constant=len(tensor.data) > 0,
    )
