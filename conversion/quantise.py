"""Float TFLite -> full-integer TFLite: int8 input and output, int8 weights, no float tensor left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from conversion.ranges import Range, RangeRule, choose, moving_averages, observe
from conversion.rewrites import self_contained
from core.errors import ConversionError
from core.progress import Progress
from core.tflite.graph import Operator, TfliteGraph, parse

Images = NDArray[np.uint8]
Route = Callable[[bytes, Images], bytes]
Weights = Literal["per channel", "per tensor"]
"""Whether each output channel of a convolution has a scale of its own, or all share one."""

CALIBRATION_THREADS = 2
SILENT: dict[str, Any] = {"enable_progress_bar": False, "enable_progress_report": False}


def fast(float_tflite: bytes, images: Images) -> bytes:
    """The plain route: static int8, per-channel symmetric weights, ai-edge-quantizer's own ranges.

    What it calls min-max is a moving average of each image's extremes, so it depends on the order of the images.

    `images` are letterboxed RGB, (N, S, S, 3); 255 becomes 1.0.
    """
    graph = parse(float_tflite, "the float model")
    return assembled(float_tflite, graph, moving_averages(float_tflite, graph, _floats(images), CALIBRATION_THREADS))


def full_range(float_tflite: bytes, images: Images) -> bytes:
    """The default: every activation keeps its true extremes over all images, the input is [0, 1].

    docs/recipes.md says what was tried beyond this, and what it gave. `images` as for `fast`.
    """
    graph, ranges = _full_ranges(float_tflite, images)
    return assembled(float_tflite, graph, ranges)


def per_tensor(float_tflite: bytes, images: Images) -> bytes:
    """As `full_range`, with one scale for all weights of a layer: what Mesa's open driver takes, which knows no other.

    docs/recipes.md says what that costs. `images` as for `fast`.
    """
    graph, ranges = _full_ranges(float_tflite, images)
    return assembled(float_tflite, graph, ranges, weights="per tensor")


def _full_ranges(float_tflite: bytes, images: Images) -> tuple[TfliteGraph, dict[int, Range]]:
    """The graph, and for each activation its true extremes over all images."""
    graph = parse(float_tflite, "the float model")
    seen = observe(float_tflite, graph, _floats(images), CALIBRATION_THREADS)
    return graph, choose(graph, seen, RangeRule())


@dataclass(frozen=True)
class Recipe:
    """A way to int8: its `route`, and how many calibration `images` it is used with unless told otherwise."""

    route: Route
    images: int


RECIPES: Mapping[str, Recipe] = {
    "full-range": Recipe(full_range, images=256),
    "fast": Recipe(fast, images=64),
    "per-tensor": Recipe(per_tensor, images=256),
}
DEFAULT_RECIPE = "full-range"


def write_int8(request: Mapping[str, Any], folder: Path, progress: Progress) -> None:
    """The worker's step `quantise`: int8.tflite of float.tflite, calibrated on an .npy file (uint8, N x S x S x 3)."""
    images = np.load(request["images"], mmap_mode="r")
    progress(f"quantising ({request['recipe']}, {len(images)} images)")
    int8 = RECIPES[request["recipe"]].route(Path(request["float"]).read_bytes(), images)
    (folder / "int8.tflite").write_bytes(int8)


def assembled(
    float_tflite: bytes,
    graph: TfliteGraph,
    ranges: Mapping[int, Range],
    wide: Iterable[Operator] = (),
    weights: Weights = "per channel",
) -> bytes:
    """The int8 file with these activation ranges, by tensor index.

    The operators in `wide` compute with int16 activations, between QUANTIZE operators.
    """
    from ai_edge_quantizer import qtyping

    engine = _static_int8(float_tflite, weights)
    every = qtyping.TFLOperationName.ALL_SUPPORTED
    for operator in wide:
        exactly = f"^{re.escape(graph.tensors[operator.outputs[0]].name)};?$"
        engine.add_static_config(regex=exactly, operation_name=every, activation_num_bits=16, weight_num_bits=8)
    statistics = {graph.tensors[index].name: _statistic(span) for index, span in ranges.items()}
    return require_full_integer(self_contained(bytes(engine.quantize(statistics, **SILENT).quantized_model)))


def _statistic(span: Range) -> dict[str, NDArray[np.float32]]:
    """A range as ai-edge-quantizer's calibration results hold it."""
    return {side: np.full((1, 1, 1, 1), value, np.float32) for side, value in (("min", span.low), ("max", span.high))}


def _static_int8(float_tflite: bytes, weights: Weights) -> Any:
    """ai-edge-quantizer with int8 activations and symmetric int8 weights for every operator."""
    from ai_edge_quantizer import qtyping, quantizer

    teach_leaky_relu()
    engine = quantizer.Quantizer(bytearray(float_tflite))
    every = qtyping.TFLOperationName.ALL_SUPPORTED
    shared = qtyping.QuantGranularity.TENSORWISE
    sharing = {"weight_granularity": shared} if weights == "per tensor" else {}
    engine.add_static_config(regex=".*", operation_name=every, activation_num_bits=8, weight_num_bits=8, **sharing)
    return engine


def require_full_integer(model: bytes) -> bytes:
    """The same bytes; ConversionError when the file has a float tensor left or a float input or output."""
    problem = parse(model, "the int8 model").full_integer_problem()
    if problem:
        raise ConversionError(
            f"the quantised graph is not full-integer: {problem}",
            "int8 input and output and no float tensor in between",
        )
    return model


def teach_leaky_relu() -> None:
    """Give LEAKY_RELU the quantisation rule of RELU; ai-edge-quantizer 0.10 would leave it in float.

    Both are elementwise with one input and one output. Left alone, islands of DEQUANTIZE and QUANTIZE put 38 to 49 % of
    the operators on the CPU.
    """
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.utils import tfl_flatbuffer_utils
    from immutabledict import immutabledict

    names: Any = tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME
    leaky = {qtyping.BuiltinOperator.LEAKY_RELU: qtyping.TFLOperationName.RELU}
    tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME = immutabledict({**names, **leaky})


def _floats(images: Images) -> Iterator[NDArray[np.float32]]:
    """The images one by one as the model's input, float32 (1, S, S, 3) in 0..1."""
    for image in images:
        yield image[None].astype(np.float32) / np.float32(255)
