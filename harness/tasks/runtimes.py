"""Models on the host's CPU: a float ONNX file or a TFLite file, tensors in, float tensors out."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.tflite.nodes import Tensor

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TensorFormat:
    """Shape and type of a model's input or output; real value = (integer - zero_point) * scale, scale 0 for floats."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    @property
    def quantised(self) -> bool:
        """Whether it holds integers that stand for real values."""
        return bool(self.scale) and np.issubdtype(np.dtype(self.dtype), np.integer)


class Runtime(Protocol):
    """A loaded model; any thread may use it, at any time."""

    path: Path
    inputs: tuple[TensorFormat, ...]
    outputs: tuple[TensorFormat, ...]

    def infer(self, values: NDArray[Any]) -> list[Floats]:
        """The outputs in the model's order, dequantised to float32, for the first input in its own type and shape."""
        ...


def open_runtime(path: Path, threads: int) -> Runtime:
    """The model in a `.onnx` or `.tflite` file, `threads` threads for an inference; ModelError when it cannot be run here."""
    _require_file(path)
    return _open_onnx(path, threads) if path.suffix == ".onnx" else _TfliteRuntime(path, threads)


def dequantise(tensors: Sequence[NDArray[Any]], formats: Sequence[TensorFormat]) -> list[Floats]:
    """Integer tensors of a model (or of a target that ran it) as float32; float tensors as they are."""
    return [_dequantised(tensor, form) for tensor, form in zip(tensors, formats, strict=True)]


def format_of(tensor: Tensor) -> TensorFormat:
    """A tensor of a TFLite file as a runtime's format."""
    scale, zero_point = (tensor.scales[0], tensor.zero_points[0]) if tensor.scales else (0.0, 0)
    return TensorFormat(name=tensor.name, shape=tensor.shape, dtype=tensor.dtype, scale=scale, zero_point=zero_point)


def in_type(real: NDArray[Any], form: TensorFormat) -> NDArray[Any]:
    """Real values as an input holds them: float32, or round(value / scale) + zero_point, ties to even, saturated."""
    if not form.quantised:
        return real.astype(np.float32)
    limits = np.iinfo(np.dtype(form.dtype))
    found = np.rint(real.astype(np.float64) / form.scale) + form.zero_point
    integers: NDArray[Any] = np.clip(found, limits.min, limits.max).astype(form.dtype)
    return integers


def _dequantised(tensor: NDArray[Any], form: TensorFormat) -> Floats:
    """One tensor; subtracts in float32, which holds every int8 and int16 difference exactly."""
    if not form.scale:
        return tensor.astype(np.float32, copy=False)
    values: Floats = (tensor.astype(np.float32) - np.float32(form.zero_point)) * np.float32(form.scale)
    return values


class _OnnxRuntime:
    """A float model in onnxruntime."""

    def __init__(self, path: Path, session: Any) -> None:
        self.path = path
        self.inputs = tuple(_onnx_format(value) for value in session.get_inputs())
        self.outputs = tuple(_onnx_format(value) for value in session.get_outputs())
        self._session = session

    def infer(self, values: NDArray[Any]) -> list[Floats]:
        outputs: list[Floats] = self._session.run(None, {self.inputs[0].name: np.ascontiguousarray(values)})
        return outputs


class _TfliteRuntime:
    """A float or integer model in LiteRT with XNNPACK; an interpreter serves one thread, so there are as many as are in use."""

    def __init__(self, path: Path, threads: int) -> None:
        self.path = path
        self._threads = threads
        first = _interpreter(path, threads)
        inputs, outputs = first.get_input_details(), first.get_output_details()
        self.inputs = tuple(_tflite_format(detail) for detail in inputs)
        self.outputs = tuple(_tflite_format(detail) for detail in outputs)
        self._idle = deque([first])
        self._input, self._outputs = inputs[0]["index"], [detail["index"] for detail in outputs]

    def infer(self, values: NDArray[Any]) -> list[Floats]:
        interpreter = self._take()
        try:
            interpreter.set_tensor(self._input, values)
            interpreter.invoke()
            return dequantise([interpreter.get_tensor(index) for index in self._outputs], self.outputs)
        finally:
            self._idle.append(interpreter)

    def _take(self) -> Any:
        """An interpreter that nobody uses."""
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return _interpreter(self.path, self._threads)


def _open_onnx(path: Path, threads: int) -> Runtime:
    """A float ONNX model; ModelError when the file is broken."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each status, without a common ancestor
        raise _broken(path, error, "an ONNX model") from error
    return _OnnxRuntime(path, session)


def _interpreter(path: Path, threads: int) -> Any:
    """A TFLite model ready to run; ModelError when the file is broken, or compiled for an NPU."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        if "ethos-u" in str(error):
            raise ModelError(
                f"`{path}` is compiled for an Ethos-U: no CPU can run it", expected="the int8 TFLite file that Vela was given"
            ) from error
        raise _broken(path, error, "a TFLite model that LiteRT can run") from error
    return interpreter


def _onnx_format(value: Any) -> TensorFormat:
    """The format of an onnxruntime input or output; sides without a fixed length are -1."""
    shape = tuple(side if isinstance(side, int) else -1 for side in value.shape)
    return TensorFormat(value.name, shape, value.type.removeprefix("tensor(").removesuffix(")").replace("float", "float32", 1))


def _tflite_format(detail: dict[str, Any]) -> TensorFormat:
    """The format of a LiteRT input or output."""
    scale, zero_point = detail["quantization"]
    shape = tuple(int(side) for side in detail["shape"])
    return TensorFormat(
        name=detail["name"], shape=shape, dtype=np.dtype(detail["dtype"]).name, scale=float(scale), zero_point=int(zero_point)
    )


def _require_file(path: Path) -> None:
    """ModelError when there is no such file."""
    if not path.is_file():
        raise ModelError(f"`{path}` does not exist", expected="a model file")


def _broken(path: Path, error: Exception, expected: str) -> ModelError:
    """The error for a file that the runtime refuses, with the first line of its reason."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelError(f"`{path}` cannot be loaded: {reason}", expected=expected)
