"""TFLite operator -> layer, one function per kind; NotLowered carries the reason where there is none."""

from __future__ import annotations

from collections.abc import Callable

from conversion.rules.clamps import clamp_bounds
from conversion.rules.layer import Four, Layer, LayerOptions, LayerTensor, Two
from conversion.rules.tensors_of_file import FileTensors, NotLowered
from core.tflite.nodes import Operator

__all__ = ["LOWERINGS", "NEVER", "NotLowered", "paddings_of"]

SAME = 0
"""TFLite's number of SAME padding; VALID is 1."""

NEVER = {
    "SLICE": "SLICE cannot run: the Support Library only estimates its cost",
    "STRIDED_SLICE": "STRIDED_SLICE cannot run: the Support Library only estimates its cost",
    "SOFTMAX": "the NPU has no SOFTMAX",
    "BATCH_MATMUL": "the NPU has no BATCH_MATMUL: weights of a product have to be constants",
    "SUB": "the NPU has no SUB",
    "DEQUANTIZE": "DEQUANTIZE leaves 8 bits: the NPU computes in int8 and uint8",
}
"""Kinds that are never taken where more can be said than that the NPU has no such layer."""


def _unary(kind: str) -> Callable[[Operator, FileTensors, Operator | None], Layer]:
    """The lowering of an operator of one input and one output without options."""

    def lower(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
        inputs, outputs = (_input(operator, tensors, 0),), _outputs(operator, tensors)
        return Layer(kind=kind, inputs=inputs, outputs=outputs)

    return lower


def _position(operator: Operator, number: int) -> int:
    if number >= len(operator.inputs):
        raise NotLowered(f"{operator.kind} has {len(operator.inputs)} inputs")
    return operator.inputs[number]


def _input(operator: Operator, tensors: FileTensors, number: int) -> LayerTensor:
    return tensors.activation(_position(operator, number))


def _outputs(operator: Operator, tensors: FileTensors) -> tuple[LayerTensor, ...]:
    return tuple(tensors.activation(position) for position in operator.outputs)


def _four(shape: tuple[int, ...], what: str) -> tuple[int, int, int, int]:
    if len(shape) != 4:
        raise NotLowered(f"{what} of {len(shape)} dimensions: it has to have four")
    return shape[0], shape[1], shape[2], shape[3]


def _number(operator: Operator, name: str, default: int = 0) -> int:
    found = operator.options.get(name, default)
    return int(found) if isinstance(found, (int, float)) else default


def _pair(operator: Operator, prefix: str, default: int = 1) -> Two:
    return _number(operator, f"{prefix}H", default), _number(operator, f"{prefix}W", default)


def same_padding(size: int, kernel: int, stride: int) -> Two:
    """What SAME pads before and behind."""
    total = max((-(-size // max(stride, 1)) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _padding(operator: Operator, source: LayerTensor, kernel: Two, stride: Two, added: Four = (0, 0, 0, 0)) -> Four:
    """The operator's own padding of the padded input, and what a folded PAD has added."""
    if _number(operator, "padding") != SAME:
        return added
    rows, columns = source.shape[1] + added[0] + added[1], source.shape[2] + added[2] + added[3]
    top, bottom = same_padding(rows, kernel[0], stride[0])
    left, right = same_padding(columns, kernel[1], stride[1])
    return added[0] + top, added[1] + bottom, added[2] + left, added[3] + right


def _convolved(kind: str, operator: Operator, tensors: FileTensors, weights: LayerTensor, pad: Operator | None) -> Layer:
    """CONV_2D or DEPTHWISE_CONV_2D with the PAD that is folded into it."""
    source = tensors.activation(pad.inputs[0]) if pad else _input(operator, tensors, 0)
    stride, kernel = _pair(operator, "stride"), (weights.shape[0], weights.shape[1])
    added = paddings_of(pad, tensors) if pad else (0, 0, 0, 0)
    dilation = (_number(operator, "dilationHFactor", 1) or 1, _number(operator, "dilationWFactor", 1) or 1)
    return Layer(
        kind=kind,
        inputs=(source, weights, _bias(operator, tensors, 2, source, weights)),
        outputs=_outputs(operator, tensors),
        options=LayerOptions(stride=stride, dilation=dilation, padding=_padding(operator, source, kernel, stride, added)),
    )


def _bias(operator: Operator, tensors: FileTensors, number: int, source: LayerTensor, weights: LayerTensor) -> LayerTensor:
    """The bias as 1x1x1xC; where there is none, the zeros that stand for it."""
    if number < len(operator.inputs) and operator.inputs[number] >= 0:
        position = operator.inputs[number]
        return tensors.shaped(position, (1, 1, 1, tensors[position].elements), 3)
    scales = tuple(source.scale * scale for scale in weights.scales)
    channels = weights.shape[3] * (weights.shape[2] if weights.axis == 2 else 1)
    return LayerTensor(shape=(1, 1, 1, channels), dtype="int32", scales=scales, zero_point=0, axis=3, constant=True)


def _conv(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    out, height, width, depth = _four(tensors[_position(operator, 1)].shape, "weights")
    weights = tensors.shaped(operator.inputs[1], (height, width, depth, out), 3 if tensors[operator.inputs[1]].axis == 0 else 2)
    return _convolved("conv", operator, tensors, weights, pad)


def _depthwise(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    channels = _four(tensors[_position(operator, 0)].shape, "input")[3]
    _, height, width, out = _four(tensors[_position(operator, 1)].shape, "weights")
    if channels < 1 or out % channels:
        raise NotLowered(f"depthwise weights of {out} channels over {channels}: not a multiple")
    multiplier = out // channels
    along = 2 if multiplier == 1 else 3
    axis = along if tensors[operator.inputs[1]].axis == 3 else 0
    weights = tensors.shaped(operator.inputs[1], (height, width, channels, multiplier), axis)
    return _convolved("dw", operator, tensors, weights, pad)


def _transpose_conv(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    out, height, width, depth = _four(tensors[_position(operator, 1)].shape, "weights")
    weights = tensors.shaped(operator.inputs[1], (height, width, depth, out), 3 if tensors[operator.inputs[1]].axis == 0 else 2)
    source, outputs, stride = _input(operator, tensors, 2), _outputs(operator, tensors), _pair(operator, "stride")
    # A transposed convolution pads what the convolution from its output to its input would.
    padding = _padding(operator, outputs[0], (height, width), stride)
    bias = _bias(operator, tensors, 3, source, weights)
    options = LayerOptions(stride=stride, padding=padding)
    return Layer(kind="transpose_conv", inputs=(source, weights, bias), outputs=outputs, options=options)


def _fully_connected(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    shape = tensors[_position(operator, 1)].shape
    if len(shape) != 2 or min(shape) < 1:
        raise NotLowered(f"weights of {len(shape)} dimensions: a fully connected layer has two")
    rows = tensors[_position(operator, 0)].elements // shape[1]
    source = tensors.shaped(operator.inputs[0], (rows, 1, 1, shape[1]))
    weights = tensors.shaped(operator.inputs[1], (1, 1, shape[1], shape[0]), 3)
    outputs = tuple(tensors.shaped(position, (rows, 1, 1, shape[0])) for position in operator.outputs)
    return Layer(
        kind="fully_connected", inputs=(source, weights, _bias(operator, tensors, 2, source, weights)), outputs=outputs
    )


def paddings_of(operator: Operator, tensors: FileTensors) -> Four:
    """What a PAD adds above, below, left and right; NotLowered when it adds to batch or channels, or another value."""
    source = tensors[_position(operator, 0)]
    numbers = tensors.numbers(_position(operator, 1), "the padding")
    if len(numbers) != 2 * len(source.shape):
        raise NotLowered(f"padding of {len(numbers)} numbers for {len(source.shape)} dimensions")
    if operator.kind == "PADV2" and len(operator.inputs) > 2:
        value, zero_point = tensors.numbers(operator.inputs[2], "the padding value"), source.zero_points[:1] or (0,)
        if value != zero_point:
            raise NotLowered(f"padded with {value[0] if value else 'nothing'}: the NPU pads with the zero point")
    around = (0, 0) * tensors.leading_dimensions(source.shape) + numbers
    around += (0,) * (8 - len(around))
    if any(around[:2]) or any(around[6:]):
        raise NotLowered("padding of batch or channels: the NPU pads height and width")
    return around[2], around[3], around[4], around[5]


def _pad(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    options = LayerOptions(padding=paddings_of(operator, tensors))
    return Layer(kind="pad", inputs=(_input(operator, tensors, 0),), outputs=_outputs(operator, tensors), options=options)


def _pool(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    source = _input(operator, tensors, 0)
    kernel = _number(operator, "filterHeight", 1), _number(operator, "filterWidth", 1)
    stride = _pair(operator, "stride")
    mode = "max" if operator.kind == "MAX_POOL_2D" else "average"
    options = LayerOptions(kernel=kernel, stride=stride, mode=mode, padding=_padding(operator, source, kernel, stride))
    return Layer(kind="pool", inputs=(source,), outputs=_outputs(operator, tensors), options=options)


def _mean(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    batch, _, _, channels = _four(tensors[_position(operator, 0)].shape, "input")
    axes = {axis % 4 for axis in tensors.numbers(_position(operator, 1), "the axes")}
    if axes != {1, 2}:
        raise NotLowered(f"mean over axes {sorted(axes)}: the NPU takes it over height and width")
    outputs = tuple(tensors.shaped(position, (batch, 1, 1, channels)) for position in operator.outputs)
    return Layer(kind="mean", inputs=(_input(operator, tensors, 0),), outputs=outputs)


def _binary(kind: str) -> Callable[[Operator, FileTensors, Operator | None], Layer]:
    """The lowering of ADD or MUL: a constant, where there is one, comes second."""

    def lower(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
        positions = sorted((_position(operator, 0), _position(operator, 1)), key=lambda position: tensors[position].constant)
        first = tensors.activation(positions[0])
        if first.constant:
            raise NotLowered(f"{kind.upper()} of two constants: nothing to compute")
        inputs = (first, _operand(tensors, positions[1], first.shape))
        return Layer(kind=kind, inputs=inputs, outputs=_outputs(operator, tensors))

    return lower


def _operand(tensors: FileTensors, position: int, beside: tuple[int, ...]) -> LayerTensor:
    """The second operand; a vector of constants lies along the channels, as broadcasting has it, unless both are vectors."""
    operand, shape = tensors.activation(position), tensors[position].shape
    if operand.constant and len(shape) == 1 and operand.shape != beside:
        return tensors.shaped(position, (1, 1, 1, shape[0]))
    return operand


def _axis(axis: int, shape: tuple[int, ...], tensors: FileTensors) -> int:
    """An axis of the file's shape as one of the four dimensions."""
    if not -len(shape) <= axis < len(shape):
        raise NotLowered(f"axis {axis} of {len(shape)} dimensions")
    return axis % len(shape) + tensors.leading_dimensions(shape)


def _concatenation(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    inputs = tuple(tensors.activation(position) for position in operator.inputs)
    axis = _axis(_number(operator, "axis"), tensors[operator.outputs[0]].shape, tensors)
    return Layer(kind="concat", inputs=inputs, outputs=_outputs(operator, tensors), options=LayerOptions(axis=axis))


def _split(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    source, along = (1, 0) if operator.kind == "SPLIT" else (0, 2)
    axes = tensors.numbers(_position(operator, along), "the axis")
    if len(axes) != 1:
        raise NotLowered(f"{len(axes)} axes to split along: it has to be one")
    axis = _axis(axes[0], tensors[_position(operator, source)].shape, tensors)
    inputs = (_input(operator, tensors, source),)
    return Layer(kind="split", inputs=inputs, outputs=_outputs(operator, tensors), options=LayerOptions(axis=axis))


def _transpose(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    _four(tensors[_position(operator, 0)].shape, "transposed tensor")
    permutation = tensors.numbers(_position(operator, 1), "the permutation")
    options = LayerOptions(permutation=permutation)
    return Layer(kind="transpose", inputs=(_input(operator, tensors, 0),), outputs=_outputs(operator, tensors), options=options)


def _leaky(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    alpha = operator.options.get("alpha", 0.0)
    options = LayerOptions(alpha=float(alpha) if isinstance(alpha, (int, float)) else 0.0)
    return Layer(kind="leaky", inputs=(_input(operator, tensors, 0),), outputs=_outputs(operator, tensors), options=options)


def _clamp(operator: Operator, tensors: FileTensors, pad: Operator | None) -> Layer:
    outputs = _outputs(operator, tensors)
    options = LayerOptions(bounds=clamp_bounds(operator.kind, outputs[0]))
    return Layer(kind="relu", inputs=(_input(operator, tensors, 0),), outputs=outputs, options=options)


Lower = Callable[[Operator, FileTensors, Operator | None], Layer]

LOWERINGS: dict[str, Lower] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transpose_conv,
    "FULLY_CONNECTED": _fully_connected,
    "PAD": _pad,
    "PADV2": _pad,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "MEAN": _mean,
    "ADD": _binary("add"),
    "MUL": _binary("mul"),
    "CONCATENATION": _concatenation,
    "SPLIT": _split,
    "SPLIT_V": _split,
    "TRANSPOSE": _transpose,
    "LEAKY_RELU": _leaky,
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"), _clamp),
    "LOGISTIC": _unary("sigmoid"),
    "TANH": _unary("tanh"),
    "QUANTIZE": _unary("requant"),
    "RESHAPE": _unary("reshape"),
    "SQUEEZE": _unary("reshape"),
    "EXPAND_DIMS": _unary("reshape"),
    "RESIZE_NEAREST_NEIGHBOR": _unary("resize"),
    "RESIZE_BILINEAR": _unary("resize"),
    "DEPTH_TO_SPACE": _unary("depth_to_space"),
}
