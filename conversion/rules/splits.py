"""What one SPLIT in place of several SLICEs would change: a suggestion, checked by rewriting the file and judging it again.

How a converter writes a chunk (torch.chunk, C2f's two halves) decides whether it is taken: as SLICEs it is refused, as one
SPLIT it is not, and both compute the same numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from conversion.rewrites import ModelCopy
from conversion.rules.judgement import Judgement, judged
from conversion.rules.tensors_of_file import FileTensors, NotLowered
from core.tflite.nodes import Operator
from core.tflite.reader import ModelReader

SLICES = frozenset({"SLICE", "STRIDED_SLICE"})
UNWRITABLE = (struct.error, ValueError, TypeError, LookupError, AttributeError)
"""What FlatBuffers raises on a table that refers to nothing."""
MASKS = ("beginMask", "endMask", "ellipsisMask", "newAxisMask", "shrinkAxisMask")


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Slices of one tensor that cover it along one axis, in order: what one SPLIT does."""

    axis: int
    slices: tuple[Operator, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SplitSuggestion:
    """The file as it is and with one SPLIT per chunk, judged by the same rules; both files compute the same numbers.

    `taken` counts the file's own operators: a slice that a taken SPLIT replaces counts as taken.
    """

    slices: int
    splits: int
    taken: int
    operators: int
    mac_share: float
    pieces: int
    after: Judgement


def split_suggestion(data: bytes, name: str, before: Judgement) -> SplitSuggestion | None:
    """What SPLITs would change for a judged file; None when they would not bring an operator to the NPU.

    None too for a file that cannot be written again, which is broken where nobody has looked yet.
    """
    reader = ModelReader(data, name, subgraph=0)
    chunks = chunks_of(reader) if reader.subgraphs == 1 else ()
    if not chunks:
        return None
    try:
        changed, splits = with_splits(data, chunks)
    except UNWRITABLE:
        return None
    after = judged(changed, name, before.device)
    taken = [chunk for chunk, index in zip(chunks, splits, strict=True) if after.operators[index].where != "refused"]
    own = after.taken + sum(len(chunk.slices) - 1 for chunk in taken)
    if own <= before.taken:
        return None
    return SplitSuggestion(
        slices=sum(len(chunk.slices) for chunk in chunks),
        splits=len(chunks),
        taken=own,
        operators=len(before.operators),
        mac_share=after.mac_share,
        pieces=len(after.pieces),
        after=after,
    )


def chunks_of(reader: ModelReader) -> tuple[Chunk, ...]:
    """Every group of slices that covers its tensor along one axis without overlap."""
    sliced: dict[int, list[Operator]] = {}
    for operator in reader.operators:
        if operator.kind in SLICES and operator.inputs and operator.outputs:
            sliced.setdefault(operator.inputs[0], []).append(operator)
    found = (_chunk(reader, slices) for slices in sliced.values() if len(slices) > 1)
    return tuple(chunk for chunk in found if chunk)


def _chunk(reader: ModelReader, slices: Sequence[Operator]) -> Chunk | None:
    tensors = FileTensors(reader)
    try:
        windows = [_window(operator, tensors) for operator in slices]
    except NotLowered:
        return None
    shape = reader.tensors[slices[0].inputs[0]].shape
    axes = [axis for axis, size in enumerate(shape) if any(window[axis] != (0, size) for window in windows)]
    if len(axes) != 1:
        return None
    axis = axes[0]
    ordered = sorted(zip([window[axis] for window in windows], slices, strict=True), key=lambda pair: pair[0])
    ends = [(0, 0), *(window for window, _ in ordered), (shape[axis], shape[axis])]
    if any(before[1] != behind[0] for before, behind in pairwise(ends)):
        return None
    sizes = tuple(end - start for (start, end), _ in ordered)
    return Chunk(axis=axis, slices=tuple(operator for _, operator in ordered), sizes=sizes)


def _window(operator: Operator, tensors: FileTensors) -> list[tuple[int, int]]:
    """First element and the one behind the last, per dimension; NotLowered where that is not fixed or not dense."""
    shape = tensors[operator.inputs[0]].shape
    starts, others = (tensors.numbers(position, "the window") for position in operator.inputs[1:3])
    if not len(starts) == len(others) == len(shape):
        raise NotLowered("a window of other dimensions")
    if operator.kind == "SLICE":
        ends = [size if length == -1 else start + length for start, length, size in zip(starts, others, shape, strict=True)]
        return list(zip(starts, ends, strict=True))
    begin, end, *others_set = (int(operator.options.get(mask, 0)) for mask in MASKS)  # type: ignore[arg-type]  # masks are numbers
    if any(others_set) or set(tensors.numbers(operator.inputs[3], "the strides")) != {1}:
        raise NotLowered("a window with strides or other axes")
    return [
        (
            0 if begin >> axis & 1 else _from_start(start, size),
            size if end >> axis & 1 else min(_from_start(stop, size), size),
        )
        for axis, (start, stop, size) in enumerate(zip(starts, others, shape, strict=True))
    ]


def _from_start(position: int, size: int) -> int:
    """A position counted from the start; negative ones count from the end."""
    return position % size if position < 0 else position


def with_splits(data: bytes, chunks: Sequence[Chunk]) -> tuple[bytes, tuple[int, ...]]:
    """The file with each chunk as one SPLIT (SPLIT_V where its parts differ in size), and where these then are."""
    copy = ModelCopy(data)
    splits = []
    for chunk in chunks:
        outputs = [operator.outputs[0] for operator in chunk.slices]
        source, axis = chunk.slices[0].inputs[0], copy.constant(np.array(chunk.axis, np.int32))
        if len(set(chunk.sizes)) == 1:
            options = schema.SplitOptionsT()
            options.numSplits = len(outputs)
            split = copy.made("SPLIT", [axis, source], outputs[0], options)
        else:
            options = schema.SplitVOptionsT()
            options.numSplits = len(outputs)
            sizes = copy.constant(np.array(chunk.sizes, np.int32))
            split = copy.made("SPLIT_V", [source, sizes, axis], outputs[0], options)
        split.outputs = outputs
        replaced = [copy.operator(operator.index) for operator in chunk.slices]
        copy.operators[min(copy.operators.index(operator) for operator in replaced)] = split
        copy.operators = [operator for operator in copy.operators if operator not in replaced]
        splits.append(split)
    return copy.to_bytes(), tuple(copy.operators.index(split) for split in splits)
