"""The values of every layer for one image: float graph in LiteRT, int8 graph in TFLite Micro, NPU in the simulator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError, UsageError
from core.tflite.graph import TfliteGraph
from harness.tasks.pixels import to_float
from targets.tflite_micro import run_micro
from targets.tflite_parts import every_tensor

Array = NDArray[Any]


def int8_values(content: bytes, graph: TfliteGraph, image: Array, what: str) -> dict[int, Array]:
    """Tensor index -> what TFLite Micro's reference kernels compute for it."""
    opened, indices = every_tensor(content)
    total = sum(4 * math.prod(map(abs, tensor.shape)) for tensor in graph.tensors if not tensor.constant)
    (outputs,) = run_micro(opened, [[image]], len(indices), total, what)
    return {
        index: values.reshape(graph.tensors[index].shape) if values.size == graph.tensors[index].elements else values
        for index, values in zip(indices, outputs, strict=True)
    }


def float_values(path: Path, canvas: NDArray[np.uint8], threads: int) -> dict[str, Array]:
    """Tensor name -> value in a float TFLite file; UsageError or ModelError when it is none, or takes another image."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    if path.suffix != ".tflite" or not path.is_file():
        raise UsageError(
            f"--float `{path}` is no TFLite file",
            "the float .tflite that the int8 file was quantised from: layers are matched by tensor name",
            "ethos-bench convert --checkpoint best.pt --calibration data.yaml",
        )
    try:
        interpreter = Interpreter(
            str(path),
            num_threads=threads,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"`{path}` cannot be loaded: {str(error).splitlines()[0]}", "a float .tflite file") from error
    entry = interpreter.get_input_details()[0]
    image = next((one for one in _layouts(to_float(canvas)) if one.shape == tuple(entry["shape"])), to_float(canvas))
    if entry["dtype"] is not np.float32 or tuple(entry["shape"]) != image.shape:
        found = f"{np.dtype(entry['dtype']).name} {list(map(int, entry['shape']))}"
        raise ModelError(f"`{path}` takes {found}", f"float32 {list(image.shape)}, the image of the int8 file")
    interpreter.set_tensor(entry["index"], image)
    interpreter.invoke()
    return {
        detail["name"]: value
        for detail in interpreter.get_tensor_details()
        if (value := _value(interpreter, detail["index"])) is not None
    }


def _layouts(image: Array) -> tuple[Array, Array]:
    """An image with its channels last and with its channels first."""
    return image, np.ascontiguousarray(image.transpose(0, 3, 1, 2))


def _value(interpreter: Any, index: int) -> Array | None:
    try:
        values: Array = interpreter.get_tensor(index)
    except ValueError:  # a tensor that the runtime planned away, such as a variable's resource
        return None
    return values if values.dtype == np.float32 else None


def real(values: Array, scales: Sequence[float], zero_points: Sequence[int]) -> Array:
    """Integers as float32 real values, with one scale per tensor; floats as they are."""
    if not scales or values.dtype == np.float32:
        return values.astype(np.float32, copy=False)
    found: Array = (values.astype(np.float32) - np.float32(zero_points[0])) * np.float32(scales[0])
    return found
