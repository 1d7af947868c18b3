"""Activation ranges: what is seen on calibration images, and the range each int8 tensor gets.

ai-edge-quantizer's own "min-max" is a moving average of per-image extremes (factor 0.95). It lies
below the extremes of the few images with a strong response, so it clips just the objects a
detector must report. Here the true extremes over all images are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.tflite.graph import TfliteGraph

Floats = NDArray[np.float32]

RAW_OUTPUTS = (4, 6, 8)
"""Of heads of two, three and four scales."""
MEMORY = 0.95
"""Share of the average so far in ai-edge-quantizer's moving average."""

_SAME_SCALE = frozenset({
    "MAX_POOL_2D", "PAD", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "SLICE", "SPLIT", "STRIDED_SLICE", "TRANSPOSE",
})  # fmt: skip


@dataclass(frozen=True)
class Extremes:
    """The lowest and highest value of a tensor over all images, float32: one for the tensor, or one per channel (last axis)."""

    low: Floats | np.float32
    high: Floats | np.float32

    def scaled(self, factor: Floats) -> Extremes:
        """The extremes when every channel is multiplied by a positive factor."""
        return Extremes(self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Range:
    """The lowest and the highest value a tensor must hold (low <= 0 <= high)."""

    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True)
class RangeRule:
    """How extremes become ranges; the default leaves them as they are, the rest are levers that docs/recipes.md measures.

    inner_margin, output_margin: factors on the extremes of the tensors inside and of the outputs;
    share_concat: a concatenation and its inputs get one range, so that nothing is rescaled there.
    class_floor: the lowest class logit of raw heads that needs a value of its own; everything below saturates there.
    """

    inner_margin: float = 1.0
    output_margin: float = 1.0
    share_concat: bool = False
    class_floor: float | None = None


def observe(
    content: bytes, graph: TfliteGraph, images: Iterable[Floats], threads: int, per_channel: bool = False
) -> dict[int, Extremes]:
    """The true extremes of every activation, by tensor index, over (1, H, W, 3) float32 images; at least one image."""
    seen: dict[int, Extremes] = {}
    for tensor, value in _values(content, graph, images, threads):
        rows = value.reshape(-1, value.shape[-1]) if per_channel else value.reshape(-1)
        low, high = rows.min(0), rows.max(0)
        if tensor in seen:
            low, high = np.minimum(low, seen[tensor].low), np.maximum(high, seen[tensor].high)
        seen[tensor] = Extremes(low, high)
    assert seen, "callers refuse 0 images"
    return seen


def moving_averages(content: bytes, graph: TfliteGraph, images: Iterable[Floats], threads: int) -> dict[int, Range]:
    """What ai-edge-quantizer 0.10 calls min-max: a moving average of each image's extremes, by tensor index.

    Same values as `Quantizer.calibrate` finds (a test compares the files), in half its time.
    """
    kept, fresh = np.float32(MEMORY), np.float32(1.0 - MEMORY)
    seen: dict[int, tuple[np.float32, np.float32]] = {}
    for tensor, value in _values(content, graph, images, threads):
        low, high = value.min(), value.max()
        if tensor in seen:
            low, high = kept * seen[tensor][0] + fresh * low, kept * seen[tensor][1] + fresh * high
        seen[tensor] = (low, high)
    assert seen, "callers refuse 0 images"
    return {tensor: Range(float(low), float(high)) for tensor, (low, high) in seen.items()}


def _values(content: bytes, graph: TfliteGraph, images: Iterable[Floats], threads: int) -> Iterator[tuple[int, Floats]]:
    """Every activation of every image, with its tensor index, image by image."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=threads, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    for image in images:
        interpreter.set_tensor(graph.inputs[0].index, image)
        interpreter.invoke()
        for tensor in activations(graph):
            yield tensor, interpreter.get_tensor(tensor)


def activations(graph: TfliteGraph) -> list[int]:
    """Indices of the float tensors that are computed, inputs included, in execution order."""
    made = [*(tensor.index for tensor in graph.inputs), *(index for op in graph.operators for index in op.outputs)]
    return [index for index in made if graph.tensors[index].is_float]


def choose(graph: TfliteGraph, seen: Mapping[int, Extremes], rule: RangeRule) -> dict[int, Range]:
    """The range of every activation, by tensor index. The input is [0, 1]: scale 1/255, zero point -128."""
    chosen: dict[int, Range] = {}
    for group in same_scale_groups(graph, rule.share_concat):
        members = set(group)
        margin = rule.output_margin if members & {tensor.index for tensor in graph.outputs} else rule.inner_margin
        low = min(0.0, *(float(seen[t].low.min()) for t in group))
        high = max(0.0, *(float(seen[t].high.max()) for t in group))
        if rule.class_floor is not None and members & class_maps(graph):
            low = max(low, rule.class_floor / margin)
        span = Range(0.0, 1.0) if members & {tensor.index for tensor in graph.inputs} else Range(low * margin, high * margin)
        chosen.update(dict.fromkeys(group, span))
    return chosen


def class_maps(graph: TfliteGraph) -> set[int]:
    """The class maps of a graph that is cut at its raw heads (box and class map of each of two to four scales), else none."""
    raw = len(graph.outputs) in RAW_OUTPUTS and all(len(tensor.shape) == 4 for tensor in graph.outputs)
    return {tensor.index for tensor in graph.outputs[1::2]} if raw else set()


def same_scale_groups(graph: TfliteGraph, share_concat: bool) -> list[list[int]]:
    """Activations that must have one scale (they only move values), or with share_concat had better."""
    kinds = _SAME_SCALE | ({"CONCATENATION"} if share_concat else set())
    parent = {t: t for t in activations(graph)}

    def root(tensor: int) -> int:
        while parent[tensor] != tensor:
            tensor = parent[tensor]
        return tensor

    for op in graph.operators:
        if op.kind in kinds:
            for tensor in (*op.inputs, *op.outputs):
                if tensor in parent:
                    parent[root(tensor)] = root(op.outputs[0])
    groups: dict[int, list[int]] = {}
    for tensor in parent:
        groups.setdefault(root(tensor), []).append(tensor)
    return list(groups.values())
