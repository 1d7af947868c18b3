"""Small models, one for each kind of file that a front door has to judge as what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.benchmarks import tiny
from tests.conversion.tflite_builder import SCALE, TinyModel

PICTURE = (1, 16, 16, 3)


def input_of(shape: tuple[int, ...], dtype: str = "INT8", scale: float | None = SCALE, zero_point: int = 0) -> bytes:
    """An input, made int8 where it is not, and a convolution."""
    model = TinyModel()
    image = model.tensor(shape, "image", dtype, scale)
    if zero_point:
        model.tensors[image].quantization.zeroPoint = [zero_point]
    quantised = image if dtype == "INT8" else model.unary("QUANTIZE", image, "quantised")
    return model.finish([image], [model.conv(quantised, 8, 3, name="out")])


def uint8_input() -> bytes:
    """A uint8 picture."""
    return input_of(PICTURE, "UINT8", 1 / 255, 128)


def uint8_output() -> bytes:
    """A convolution and a QUANTIZE to uint8, which Vela 5.2 merges with the limits of int8."""
    model = TinyModel()
    image = model.tensor(PICTURE, "image")
    out = model.tensor((1, 16, 16, 8), "out", "UINT8")
    model.tensors[out].quantization.zeroPoint = [128]
    return model.finish([image], [model.operator("QUANTIZE", [model.conv(image, 8, 3, name="before")], [out])])


def int16_activations() -> bytes:
    """The sum of an int16 tensor with itself."""
    model = TinyModel()
    image = model.tensor((1, 16, 16, 8), "image", "INT16", 2**-10)
    total = model.tensor((1, 16, 16, 8), "sum", "INT16", 2**-10)
    return model.finish([image], [model.operator("ADD", [image, image], [total], schema.AddOptionsT())])


def several_inputs() -> bytes:
    """A picture, a uint8 tensor and an int16 tensor, each with a way of its own."""
    model = TinyModel()
    image = model.tensor(PICTURE, "image")
    bytes_ = model.tensor((1, 8, 8, 4), "bytes", "UINT8")
    model.tensors[bytes_].quantization.zeroPoint = [128]
    words = model.tensor((1, 4, 4, 8), "words", "INT16", 2**-10)
    total = model.tensor((1, 4, 4, 8), "sum", "INT16", 2**-10)
    outputs = [
        model.conv(image, 8, 3, name="seen"),
        model.conv(model.unary("QUANTIZE", bytes_, "turned"), 4, 3, name="read"),
        model.operator("ADD", [words, words], [total], schema.AddOptionsT()),
    ]
    return model.finish([image, bytes_, words], outputs)


def float_input_and_output() -> bytes:
    """QUANTIZE first, DEQUANTIZE last."""
    model = TinyModel()
    image = model.tensor(PICTURE, "image", "FLOAT32", None)
    seen = model.conv(model.unary("QUANTIZE", image, "quantised"), 8, 3)
    return model.finish([image], [model.unary("DEQUANTIZE", seen, "out", dtype="FLOAT32", scale=None)])


def turned(model: TinyModel, image: int) -> int:
    """The image with its channels last."""
    batch, channels, height, width = model.tensors[image].shape
    order = model.constant(np.array([0, 2, 3, 1], np.int32))
    last = model.tensor((batch, height, width, channels), "turned")
    return model.operator("TRANSPOSE", [image, order], [last], schema.TransposeOptionsT())


def tiny_scale() -> bytes:
    """LOGISTIC of values that are next to nothing."""
    model = TinyModel()
    image = model.tensor((1, 8, 8, 4), "image", scale=1e-10)
    probability = model.tensor((1, 8, 8, 4), "probability", scale=1 / 256)
    model.tensors[probability].quantization.zeroPoint = [-128]
    return model.finish([image], [model.operator("LOGISTIC", [image], [probability])])


def weights_with_zero_point() -> bytes:
    """A convolution whose int8 weights have zero point 7."""
    model = TinyModel()
    image = model.tensor(PICTURE, "image")
    out = model.conv(image, 8, 3, name="out")
    weights = model.tensors[model.operators[-1].inputs[1]]
    weights.quantization.zeroPoint = [7] * len(weights.quantization.scale)
    return model.finish([image], [out])


def odd_names() -> bytes:
    """Tensor names that end a CDATA section, break a line and colour a terminal."""
    model = TinyModel()
    image = model.tensor(PICTURE, "im]]>age")
    seen = model.conv(image, 8, 3, name="a\nb")
    axis = model.constant(np.array([1], np.int32))
    return model.finish([image], [model.operator("REVERSE_V2", [seen, axis], [model.tensor((1, 16, 16, 8), "\x1b[31mred")])])


def nothing_on_the_npu() -> bytes:
    """A custom operator alone."""
    model = TinyModel()
    image = model.tensor(PICTURE, "image")
    return model.finish(
        [image], [model.operator("CUSTOM", [image], [model.tensor(PICTURE, "out")], custom="edgetpu-custom-op")]
    )


KINDS: Mapping[str, Callable[[], bytes]] = {
    "uint8_input": uint8_input,
    "uint8_output": uint8_output,
    "int16_activations": int16_activations,
    "several_inputs": several_inputs,
    "float_input_and_output": float_input_and_output,
    "tiny_scale": tiny_scale,
    "weights_with_zero_point": weights_with_zero_point,
    "odd_names": odd_names,
    "nothing_on_the_npu": nothing_on_the_npu,
    "work_left_to_the_cpu": tiny.cpu_operator,
    "mobilefacenet_prelu_int8": lambda: input_of(PICTURE),
}
"""Every kind by the name that its file has in a session."""


def detector(shape: tuple[int, int, int, int], strides: tuple[int, ...] = (8, 16, 32)) -> bytes:
    """A YOLO head for two classes on an image of this shape, channels last or first."""
    model = TinyModel()
    image = model.tensor(shape, "images")
    features = model.conv(image if shape[3] in (1, 3) else turned(model, image), 8, 3, activation="RELU")
    maps = [model.conv(features, channels, 1, stride=stride) for stride in strides for channels in (64, tiny.CLASSES)]
    return model.finish([image], maps)


def one_scale_for_boxes_and_scores() -> bytes:
    """Boxes and scores of a decoded head in one tensor whose step is 2.5."""
    model = TinyModel()
    image = model.tensor((1, 32, 32, 3), "images")
    flat = model.conv(image, 6 * 21, 1, stride=32)
    shape = (1, 6, 21)
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    model.tensors[flat].quantization.scale = [2.5]
    out = model.tensor(shape, "decoded", scale=2.5)
    return model.finish([image], [model.operator("RESHAPE", [flat, model.constant(np.array(shape, np.int32))], [out], options)])


DETECTORS: Mapping[str, Callable[[], bytes]] = {
    "not_square": lambda: detector((1, 32, 64, 3)),
    "grey": lambda: detector((1, 32, 32, 1)),
    "nchw": lambda: detector((1, 3, 32, 32)),
    "four_scales": lambda: detector((1, 32, 32, 3), (4, 8, 16, 32)),
    "two_scales": lambda: detector((1, 32, 32, 3), (16, 32)),
    "one_scale": one_scale_for_boxes_and_scores,
    "no_picture": tiny.cpu_operator,
    "several_images": lambda: input_of((3, 16, 16, 3)),
}
"""What a data set meets, by the name that its file has in a session."""
