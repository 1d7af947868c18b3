"""Empirical bias correction: the mean of every convolution's channels is brought back to that of the float model.

Rounding and clipping shift what a channel holds on average, and the layers behind it add to the shift. So the convolutions are
corrected from the front to the back, some of them at a time: means of the int8 file that has the corrections so far, against
those of the float file, over some calibration images. Correcting all at once would count a shift once for every layer it
passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from benchmarks.studies.recipes.constants import FloatModel, replace_constants
from conversion.quantise import CALIBRATION_THREADS, assembled
from conversion.ranges import Floats, Range
from core.tflite.graph import Operator, parse

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
STEPS = 12
Means = dict[str, NDArray[np.float64]]


def correct_biases(
    model: FloatModel, ranges: Mapping[int, Range], images: Sequence[Floats], steps: int = STEPS
) -> dict[int, Floats]:
    """New biases by tensor index, for the int8 file with these ranges; images (1, S, S, 3), float32 in 0..1, at least one."""
    layers = layered(model)
    names = {op.index: model.graph.tensors[op.outputs[0]].name for layer in layers for op in layer}
    aim = channel_means(model.content, list(names.values()), images)
    biases: dict[int, Floats] = {}
    for part in _parts(layers, steps):
        content = assembled(replace_constants(model.content, biases), model.graph, ranges)
        found = channel_means(content, [names[op.index] for op in part], images)
        for op in part:
            name = names[op.index]
            biases[op.inputs[2]] = (model.constants[op.inputs[2]] + aim[name] - found[name]).astype(np.float32)
    return biases


def layered(model: FloatModel) -> list[list[Operator]]:
    """The convolutions that have a bias, by how many of them lie on the longest way from the input, nearest first."""
    depth: dict[int, int] = {}
    layers: dict[int, list[Operator]] = {}
    for op in model.graph.operators:
        here = max((depth.get(tensor, 0) for tensor in op.inputs), default=0)
        if op.kind in CONVOLUTIONS and len(op.inputs) > 2 and op.inputs[2] in model.constants:
            here += 1
            layers.setdefault(here, []).append(op)
        depth.update(dict.fromkeys(op.outputs, here))
    return [layers[level] for level in sorted(layers)]


def channel_means(content: bytes, names: Sequence[str], images: Sequence[Floats]) -> Means:
    """The mean of each channel (last axis) over images and places, by tensor name, as real values of a float or int8 file."""
    interpreter = Interpreter(model_content=content, num_threads=CALIBRATION_THREADS, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    graph = parse(content, "the model")
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    wanted = [tensor for tensor in graph.tensors if tensor.name in set(names)]
    sums: Means = {tensor.name: np.zeros(tensor.shape[-1]) for tensor in wanted}
    entry = interpreter.get_input_details()[0]
    for image in images:
        interpreter.set_tensor(entry["index"], _stored(image, entry))
        interpreter.invoke()
        for tensor in wanted:
            values = interpreter.get_tensor(tensor.index)
            sums[tensor.name] += values.reshape(-1, values.shape[-1]).mean(0, dtype=np.float64)
    return {tensor.name: _real(sums[tensor.name] / len(images), details[tensor.index]) for tensor in wanted}


def _parts(layers: Sequence[Sequence[Operator]], steps: int) -> list[list[Operator]]:
    """The layers in at most `steps` parts of neighbours, each part as one list."""
    cuts = np.array_split(np.arange(len(layers)), min(steps, len(layers)))
    return [[op for position in cut for op in layers[position]] for cut in cuts]


def _stored(image: Floats, entry: Mapping[str, Any]) -> NDArray[Any]:
    """An image as the input holds it."""
    scale, zero_point = entry["quantization"]
    return (np.rint(image / scale) + zero_point).astype(entry["dtype"]) if scale else image


def _real(mean: NDArray[np.float64], detail: Mapping[str, Any]) -> NDArray[np.float64]:
    """The mean of what a tensor's integers stand for."""
    scale, zero_point = detail["quantization"]
    real: NDArray[np.float64] = (mean - zero_point) * scale if scale else mean
    return real
