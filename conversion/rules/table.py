"""The rule of each kind of layer: which constraints it has to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conversion.rules.constraints import arrangement, convolution, elementwise, pooling, quantisation, tensors
from conversion.rules.devices import Device
from conversion.rules.layer import Layer

Constraint = Callable[[Layer, Device], str]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of layer: how many inputs and outputs it has at least and at most, which options it needs, what it has to keep.

    `operators` are TFLite's names of what becomes such a layer. Constraints are asked in order; the first refusal speaks.
    """

    operators: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    inputs: tuple[int, int] = (1, 1)
    outputs: tuple[int, int] = (1, 1)
    options: tuple[str, ...] = ()


MANY = 1 << 16
TYPED = (tensors.eight_bit, tensors.zero_points_in_type, tensors.one_scale)
ACTIVATION = (*TYPED, tensors.batch_of_one, tensors.one_type, tensors.inputs_fit_by_depth)
CLAMPED = (*ACTIVATION, elementwise.shape_stays, quantisation.clamp_in_order, quantisation.output_quantised_as_input)
CONVOLVED = (
    *ACTIVATION,
    tensors.outputs_fit_by_depth,
    convolution.kernel_known,
    convolution.padding_fits,
    convolution.undilated,
    convolution.weights_constant,
    convolution.channels_match,
    convolution.scales_over_output_channels,
    convolution.bias_is_sum_of_products,
    convolution.multiplier_in_range,
)
POOLED = (*ACTIVATION, quantisation.output_quantised_as_input)

RULES: dict[str, Rule] = {
    "conv": Rule(
        operators=("CONV_2D",),
        inputs=(3, 3),
        options=("stride", "padding"),
        constraints=(
            *CONVOLVED,
            convolution.stride_known,
            convolution.strided_kernel_fits,
            convolution.output_size_follows,
        ),
    ),
    "dw": Rule(
        operators=("DEPTHWISE_CONV_2D",),
        inputs=(3, 3),
        options=("stride", "padding"),
        constraints=(
            *CONVOLVED,
            convolution.stride_known,
            convolution.kernel_square,
            convolution.point_without_stride,
            convolution.one_map_per_channel,
            convolution.output_size_follows,
        ),
    ),
    "transpose_conv": Rule(
        operators=("TRANSPOSE_CONV",),
        inputs=(3, 3),
        options=("stride", "padding"),
        constraints=(*CONVOLVED, convolution.stride_of_two),
    ),
    "fully_connected": Rule(
        operators=("FULLY_CONNECTED",),
        inputs=(3, 3),
        constraints=(
            *ACTIVATION,
            tensors.outputs_fit_by_depth,
            convolution.weights_constant,
            convolution.channels_match,
            convolution.weights_of_one_scale,
            convolution.bias_is_sum_of_products,
            convolution.multiplier_in_range,
        ),
    ),
    "relu": Rule(operators=("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"), options=("bounds",), constraints=CLAMPED),
    "leaky": Rule(
        operators=("LEAKY_RELU",),
        options=("alpha",),
        constraints=(*ACTIVATION, elementwise.shape_stays, quantisation.leak_between_0_and_1),
    ),
    "sigmoid": Rule(operators=("LOGISTIC",), constraints=(*ACTIVATION, elementwise.shape_stays, quantisation.logistic_output)),
    "tanh": Rule(operators=("TANH",), constraints=(*ACTIVATION, elementwise.shape_stays, quantisation.tanh_output)),
    "requant": Rule(
        operators=("QUANTIZE",),
        constraints=(
            *TYPED,
            tensors.batch_of_one,
            tensors.inputs_fit_by_depth,
            elementwise.shape_stays,
            quantisation.requantisation_in_range,
        ),
    ),
    "add": Rule(operators=("ADD",), inputs=(2, 2), constraints=(*ACTIVATION, elementwise.shapes_equal)),
    "mul": Rule(operators=("MUL",), inputs=(2, 2), constraints=(*ACTIVATION, elementwise.shapes_equal)),
    "mul_by_channel": Rule(
        operators=("MUL",),
        inputs=(2, 2),
        constraints=(
            *ACTIVATION,
            elementwise.shape_stays,
            elementwise.constant_per_channel,
            convolution.multiplier_in_range,
        ),
    ),
    "add_by_channel": Rule(
        operators=("ADD",),
        inputs=(2, 2),
        constraints=(
            *ACTIVATION,
            elementwise.shape_stays,
            elementwise.constant_per_channel,
        ),
    ),
    "mul_by_scalar": Rule(
        operators=("MUL",),
        inputs=(2, 2),
        constraints=(*ACTIVATION, elementwise.shape_stays, elementwise.product_is_renaming),
    ),
    "add_by_scalar": Rule(
        operators=("ADD",),
        inputs=(2, 2),
        constraints=(*ACTIVATION, elementwise.shape_stays, elementwise.sum_is_renaming),
    ),
    "concat": Rule(
        operators=("CONCATENATION",),
        inputs=(1, MANY),
        options=("axis",),
        constraints=(
            *ACTIVATION,
            tensors.outputs_fit_by_depth,
            arrangement.axis_inside,
            arrangement.sizes_cover_axis,
            quantisation.requantisation_in_range,
        ),
    ),
    "split": Rule(
        operators=("SPLIT", "SPLIT_V"),
        outputs=(1, MANY),
        options=("axis",),
        constraints=(
            *ACTIVATION,
            arrangement.axis_inside,
            arrangement.sizes_cover_axis,
            quantisation.output_quantised_as_input,
        ),
    ),
    "reshape": Rule(
        operators=("RESHAPE", "SQUEEZE", "EXPAND_DIMS"),
        constraints=(*ACTIVATION, tensors.outputs_fit_by_depth, arrangement.same_elements),
    ),
    # The batch of a transposition may be any; a batch above 1 is refused by whatever stands around it.
    "transpose": Rule(
        operators=("TRANSPOSE",),
        options=("permutation",),
        constraints=(
            *TYPED,
            tensors.one_type,
            tensors.inputs_fit_by_depth,
            tensors.outputs_fit_by_depth,
            arrangement.batch_stays,
            arrangement.output_permuted,
            arrangement.transposition_fits,
        ),
    ),
    "pad": Rule(
        operators=("PAD", "PADV2"),
        options=("padding",),
        constraints=(
            *ACTIVATION,
            quantisation.output_quantised_as_input,
            arrangement.sides_padded_little,
            arrangement.only_map_padded,
        ),
    ),
    "pool": Rule(
        operators=("MAX_POOL_2D",),
        options=("kernel", "stride", "padding"),
        constraints=(*POOLED, pooling.pool_inside_input, pooling.max_pool_known, pooling.max_pool_fits),
    ),
    "average_pool": Rule(
        operators=("AVERAGE_POOL_2D",),
        options=("kernel", "stride", "padding"),
        constraints=(*POOLED, pooling.average_pool_known),
    ),
    "mean": Rule(operators=("MEAN",), constraints=(*ACTIVATION, pooling.mean_over_whole_map)),
    "resize": Rule(
        operators=("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"), constraints=(*ACTIVATION, arrangement.resized_by_two)
    ),
    "depth_to_space": Rule(operators=("DEPTH_TO_SPACE",), constraints=(*ACTIVATION, arrangement.block_of_two)),
}


def refusal(layer: Layer, device: Device) -> str:
    """Why the device does not take the layer; "" when it does."""
    rule = RULES.get(kind := form(layer))
    if rule is None:
        return f"there is no `{kind}` on this NPU"
    return _malformed(layer, rule) or next((reason for check in rule.constraints if (reason := check(layer, device))), "")


def form(layer: Layer) -> str:
    """The row of the table that judges a layer: ADD and MUL have others for constants, pooling one for averages."""
    constant = next((tensor for tensor in layer.inputs if tensor.constant), None)
    if layer.kind in ("add", "mul") and constant is not None and constant.shape != layer.inputs[0].shape:
        return f"{layer.kind}_by_scalar" if set(constant.shape) <= {1} else f"{layer.kind}_by_channel"
    if layer.kind == "pool" and layer.options.mode in ("avg", "average", "mean"):
        return "average_pool"
    return layer.kind


def _malformed(layer: Layer, rule: Rule) -> str:
    """What keeps a layer from being judged at all: tensors or options that are missing, sizes and scales without a meaning."""
    for side, tensors_there, (least, most) in (("inputs", layer.inputs, rule.inputs), ("outputs", layer.outputs, rule.outputs)):
        if not least <= len(tensors_there) <= most:
            return f"{len(tensors_there)} {side}: it has to have {least}" + ("" if least == most else " or more")
    missing = next((name for name in rule.options if getattr(layer.options, name) is None), None)
    if missing:
        return f"its {missing} is not known"
    for tensor in (*layer.inputs, *layer.outputs):
        if len(tensor.shape) != 4:
            return f"tensor of {len(tensor.shape)} dimensions: the NPU has four"
        if min(tensor.shape) < 1 or any(not scale > 0 for scale in tensor.scales):
            return f"tensor {tensors.shown(tensor.shape)} with scale {tensor.scale:g}: sizes and scales have to be above 0"
    return ""
