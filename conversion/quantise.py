"""Float TFLite -> full-integer TFLite: int8 input and output, int8 weights per channel, no float tensor left."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import ConversionError
from harness.records.tflite_graph import parse

Images = NDArray[np.uint8]
Route = Callable[[bytes, Images], bytes]

CALIBRATION_THREADS = 2


def fast(float_tflite: bytes, images: Images) -> bytes:
    """The plain route: static int8, per-channel symmetric weights, min-max activation ranges over all images.

    `images` are letterboxed RGB, (N, S, S, 3); 255 becomes 1.0.
    """
    from ai_edge_quantizer import qtyping, quantizer

    teach_leaky_relu()
    with contextlib.redirect_stdout(io.StringIO()):
        engine = quantizer.Quantizer(float_tflite)
        engine.add_static_config(
            regex=".*", operation_name=qtyping.TFLOperationName.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8
        )
        ranges = engine.calibrate(_calibration(float_tflite, images), num_threads=CALIBRATION_THREADS)
        quantised = engine.quantize(ranges, enable_progress_report=False).quantized_model
    return require_full_integer(bytes(quantised))


@dataclass(frozen=True)
class Recipe:
    """A way to int8: its `route`, and how many calibration `images` it is used with unless told otherwise."""

    route: Route
    images: int


RECIPES: Mapping[str, Recipe] = {"fast": Recipe(fast, images=64)}
DEFAULT_RECIPE = "fast"


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


def _calibration(float_tflite: bytes, images: Images) -> dict[str, Any]:
    """Calibration samples by signature and input name, made one at a time."""
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(model_content=float_tflite).get_signature_list()
    name, signature = next(iter(signatures.items()))
    return {name: list(_samples(images, signature["inputs"][0]))}


def _samples(images: Images, name: str) -> Iterator[dict[str, NDArray[np.float32]]]:
    for image in images:
        yield {name: image[None].astype(np.float32) / np.float32(255)}
