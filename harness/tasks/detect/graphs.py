"""A detector on the host's CPU: a float ONNX file or a TFLite file, pixels in, float tensors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.records.image_form import ImageForm, image_form
from harness.tasks.detect.decode import Floats
from harness.tasks.detect.letterbox import to_float, to_quantised


@dataclass(frozen=True)
class TensorFormat:
    """Shape and type of a model's input or output; real value = (integer - zero_point) * scale, scale 0 for floats."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


class Graph(Protocol):
    """A loaded model whose one input is an image."""

    path: Path
    image: ImageForm
    """How the input holds it."""
    input: TensorFormat
    outputs: tuple[TensorFormat, ...]

    def run(self, canvas: NDArray[np.uint8]) -> list[Floats]:
        """The outputs in the model's order, dequantised to float32, for pixels uint8 (1, height, width, channels)."""
        ...


def open_graph(path: Path, threads: int) -> Graph:
    """The model in a `.onnx` or `.tflite` file."""
    return open_onnx(path, threads) if path.suffix == ".onnx" else open_tflite(path, threads)


def dequantise(tensors: Sequence[NDArray[Any]], formats: Sequence[TensorFormat]) -> list[Floats]:
    """Integer tensors of a model (or of a target that ran it) as float32; float tensors as they are."""
    return [_dequantised(tensor, form) for tensor, form in zip(tensors, formats, strict=True)]


def _dequantised(tensor: NDArray[Any], form: TensorFormat) -> Floats:
    """One tensor; subtracts in float32, which holds every int8 and int16 difference exactly."""
    if not form.scale:
        return tensor.astype(np.float32, copy=False)
    values: Floats = (tensor.astype(np.float32) - np.float32(form.zero_point)) * np.float32(form.scale)
    return values


class _OnnxGraph:
    """A float model in onnxruntime."""

    def __init__(self, path: Path, session: Any) -> None:
        self.path = path
        self.input, *others = (_onnx_format(value) for value in session.get_inputs())
        self.outputs = tuple(_onnx_format(value) for value in session.get_outputs())
        self.image = _image(path, [self.input, *others])
        self._session = session

    def run(self, canvas: NDArray[np.uint8]) -> list[Floats]:
        image = np.ascontiguousarray(_laid_out(to_float(canvas), self.image))
        outputs: list[Floats] = self._session.run(None, {self.input.name: image})
        return outputs


class _TfliteGraph:
    """A float or integer model in LiteRT with XNNPACK."""

    def __init__(self, path: Path, interpreter: Any) -> None:
        self.path = path
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self.input, *others = (_tflite_format(detail) for detail in inputs)
        self.outputs = tuple(_tflite_format(detail) for detail in outputs)
        self.image = _image(path, [self.input, *others])
        self._interpreter = interpreter
        self._input, self._outputs = inputs[0]["index"], [detail["index"] for detail in outputs]

    def run(self, canvas: NDArray[np.uint8]) -> list[Floats]:
        form = self.input
        quantised = form.scale and np.issubdtype(np.dtype(form.dtype), np.integer)
        dtype = np.dtype(form.dtype).type
        image = to_quantised(canvas, form.scale, form.zero_point, dtype) if quantised else to_float(canvas)
        self._interpreter.set_tensor(self._input, _laid_out(image, self.image))
        self._interpreter.invoke()
        return dequantise([self._interpreter.get_tensor(index) for index in self._outputs], self.outputs)


def open_onnx(path: Path, threads: int) -> Graph:
    """A float ONNX detector on `threads` threads; ModelError when the file is broken or takes no image."""
    import onnxruntime

    _require_file(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each status, without a common ancestor
        raise _broken(path, error, "an ONNX model") from error
    return _OnnxGraph(path, session)


def open_tflite(path: Path, threads: int) -> Graph:
    """A TFLite detector on `threads` threads; ModelError when the file is broken, compiled for an NPU, or no image model."""
    from ai_edge_litert.interpreter import Interpreter

    _require_file(path)
    try:
        interpreter = Interpreter(str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        if "ethos-u" in str(error):
            raise ModelError(
                f"`{path}` is compiled for an Ethos-U: no CPU can run it", expected="the int8 TFLite file that Vela was given"
            ) from error
        raise _broken(path, error, "a TFLite model that LiteRT can run") from error
    return _TfliteGraph(path, interpreter)


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


def _image(path: Path, inputs: Sequence[TensorFormat]) -> ImageForm:
    """How the only input holds an image; ModelError when it is none of fixed size, or several at once."""
    form = image_form(inputs[0].shape)
    readable = inputs[0].dtype in ("float32", "int8", "uint8", "int16")
    if len(inputs) == 1 and form is not None and form.batch == 1 and readable:
        return form
    found = ", ".join(f"`{each.name}` {'x'.join(map(str, each.shape))} {each.dtype}" for each in inputs)
    raise ModelError(f"`{path}` has input {found}", expected="one image of fixed size with 1 or 3 channels, 1xHxWxC or 1xCxHxW")


def _laid_out(canvas: NDArray[Any], form: ImageForm) -> NDArray[Any]:
    """Values (1, height, width, channels) in the layout of a model's input."""
    return canvas.transpose(0, 3, 1, 2) if form.layout == "NCHW" else canvas


def _require_file(path: Path) -> None:
    """ModelError when there is no such file."""
    if not path.is_file():
        raise ModelError(f"`{path}` does not exist", expected="a model file")


def _broken(path: Path, error: Exception, expected: str) -> ModelError:
    """The error for a file that the runtime refuses, with the first line of its reason."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelError(f"`{path}` cannot be loaded: {reason}", expected=expected)
