"""Layers on both sides of each boundary of the rule table, with the answer that the table gives.

The expectations are read off the table of the reference (docs/guides/ethos-n.md says where it comes from), never off the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.conversion.rules.boundaries_of_convolution import convolution_cases
from tests.conversion.rules.boundaries_of_pooling import pooling_cases
from tests.conversion.rules.boundaries_of_shapes import shape_cases
from tests.conversion.rules.good_layers import DEEPEST, DEVICE, GOOD, Case, changed, each_activation, reshaped

CONVOLVED = ("conv", "dw", "transpose_conv", "fully_connected")
BATCHED = ("transpose",)
WIDER_TYPES = ("requant",)


def _common() -> Iterator[Case]:
    """What holds for the tensors of every kind of layer."""
    for kind, good in GOOD.items():
        yield Case(name=f"{kind} as it should be", layer=good)
        sixteen = each_activation(good, lambda one: {"dtype": "int16"})
        yield Case(name=f"{kind} in int16", layer=sixteen, refusal="int16 activation")
        beyond = each_activation(good, lambda one: {"zero_point": 128})
        yield Case(name=f"{kind} with zero point 128", layer=beyond, refusal="zero point 128 is no int8 value")
        below = each_activation(good, lambda one: {"zero_point": -129})
        yield Case(name=f"{kind} with zero point -129", layer=below, refusal="zero point -129 is no int8 value")
        scales = each_activation(good, lambda one: {"scales": one.scales * 2})
        yield Case(name=f"{kind} with two scales", layer=scales, refusal="activation with 2 scales")
        if kind not in BATCHED:
            batch = each_activation(good, lambda one: {"shape": (2, *one.shape[1:])})
            yield Case(name=f"{kind} with batch 2", layer=batch, refusal="batch 2")
        if kind not in WIDER_TYPES:
            mixed = changed(good, outputs={0: {"dtype": "uint8", "zero_point": max(good.outputs[0].zero_point, 0)}})
            yield Case(name=f"{kind} from int8 to uint8", layer=mixed, refusal="activations of different types")
        deep = changed(good, inputs={0: {"shape": (1, 16, 2, DEEPEST + 1)}})
        yield Case(name=f"{kind} deeper than the SRAM", layer=deep, refusal=f"{DEEPEST + 1} channels of 1x16x2x{DEEPEST + 1}")


def _ends_of_type() -> Iterator[Case]:
    """Both ends of a type are zero points; uint8 has other ends."""
    for dtype, ends, beyond in (("int8", (-128, 127), (-129, 128)), ("uint8", (0, 255), (-1, 256))):
        for zero_point in ends:
            taken = each_activation(GOOD["leaky"], lambda one, end=zero_point, kind=dtype: {"dtype": kind, "zero_point": end})  # type: ignore[misc]
            yield Case(name=f"{dtype} with zero point {zero_point}", layer=taken)
        for zero_point in beyond:
            refused = each_activation(GOOD["leaky"], lambda one, end=zero_point, kind=dtype: {"dtype": kind, "zero_point": end})  # type: ignore[misc]
            yield Case(name=f"{dtype} with zero point {zero_point}", layer=refused, refusal=f"{zero_point} is no {dtype} value")


def _depth() -> Iterator[Case]:
    """64 bytes of SRAM per channel, in every variant; a tensor of width 1 is free."""
    for sram in (0x7_0000, 0xC_0000, 0x10_0000, 0x20_0000):
        device = replace(DEVICE, sram_bytes=sram)
        most = sram // 64
        fits = each_activation(GOOD["leaky"], lambda one, deep=most: {"shape": (1, 16, 2, deep)})  # type: ignore[misc]
        yield Case(name=f"{most} channels in {sram} bytes", layer=fits, device=device)
        over = each_activation(GOOD["leaky"], lambda one, deep=most + 1: {"shape": (1, 16, 2, deep)})  # type: ignore[misc]
        yield Case(name=f"{most + 1} channels in {sram} bytes", layer=over, device=device, refusal="bytes of SRAM")
        narrow = each_activation(GOOD["leaky"], lambda one, deep=most + 1: {"shape": (1, 16, 1, deep)})  # type: ignore[misc]
        yield Case(name=f"{most + 1} channels at width 1", layer=narrow, device=device)


def _quantisation() -> Iterator[Case]:
    relu, leaky, requant = GOOD["relu"], GOOD["leaky"], GOOD["requant"]
    for kind in ("relu", "split", "pad", "pool", "average_pool"):
        other = changed(GOOD[kind], outputs={0: {"scales": (0.2,)}})
        yield Case(name=f"{kind} to another scale", layer=other, refusal="they have to be the same")
        moved = changed(GOOD[kind], outputs={0: {"zero_point": 1}})
        yield Case(name=f"{kind} to another zero point", layer=moved, refusal="they have to be the same")
    yield Case(name="clamp to one value", layer=changed(relu, bounds=(5, 5)))
    yield Case(name="clamp from above to below", layer=changed(relu, bounds=(6, 5)), refusal="nothing is left between")
    for alpha, refusal in (
        (0.0, "alpha 0"),
        (1e-6, ""),
        (0.999, ""),
        (1.0, "alpha 1"),
        (-0.1, "alpha -0.1"),
        (1.5, "alpha 1.5"),
    ):
        yield Case(name=f"leaky with alpha {alpha}", layer=changed(leaky, alpha=alpha), refusal=refusal)
    yield Case(name="leaky to another scale", layer=changed(leaky, outputs={0: {"scales": (7.0,), "zero_point": 5}}))
    for kind, scale, zero_points in (("sigmoid", 1 / 256, (-128, 0)), ("tanh", 1 / 128, (0, 128))):
        good = GOOD[kind]
        uint8 = each_activation(good, lambda one: {"dtype": "uint8", "zero_point": 0})
        right = changed(uint8, outputs={0: {"zero_point": zero_points[1]}})
        yield Case(name=f"{kind} in uint8", layer=right)
        for zero_point in (zero_points[1] + 1, 255):
            wrong = changed(uint8, outputs={0: {"zero_point": zero_point}})
            yield Case(name=f"{kind} in uint8 to {zero_point}", layer=wrong, refusal="it has to be")
        wrong = changed(good, outputs={0: {"zero_point": zero_points[0] + 1}})
        yield Case(name=f"{kind} to the next zero point", layer=wrong, refusal="it has to be")
        wider = changed(good, outputs={0: {"scales": (scale * 256 / 255,)}})
        yield Case(name=f"{kind} to a wider scale", layer=wider, refusal="it has to be")
    for ratio, refusal in ((127.9, ""), (128.0, "below 128"), (0.001, "")):
        for kind in ("requant", "concat"):
            one = changed(GOOD[kind], inputs={0: {"scales": (ratio,)}}, outputs={0: {"scales": (1.0,)}})
            yield Case(name=f"{kind} from {ratio} times the scale", layer=one, refusal=refusal)
    second = changed(GOOD["concat"], inputs={1: {"scales": (128.0,)}}, outputs={0: {"scales": (1.0,)}})
    yield Case(name="concat whose second input is too wide", layer=second, refusal="below 128")
    yield Case(name="requant to uint8", layer=changed(requant, outputs={0: {"dtype": "uint8", "zero_point": 255}}))


def _elementwise() -> Iterator[Case]:
    broadcast = {1: {"shape": (1, 1, 1, 32)}}
    for kind in ("add", "mul"):
        good, channel, scalar = GOOD[kind], GOOD[f"{kind}_by_channel"], GOOD[f"{kind}_by_scalar"]
        yield Case(name=f"{kind} broadcast", layer=changed(good, inputs=broadcast), refusal="nothing is broadcast")
        rows = changed(good, inputs={1: {"shape": (1, 8, 16, 32)}})
        yield Case(name=f"{kind} of fewer rows", layer=rows, refusal="nothing is broadcast")
        smaller = changed(good, outputs={0: {"shape": (1, 8, 16, 32)}})
        yield Case(name=f"{kind} to fewer rows", layer=smaller, refusal="nothing is broadcast")
        constant = changed(good, inputs={1: {"constant": True}})
        yield Case(name=f"{kind} of a constant of the same shape", layer=constant)
        other = changed(good, inputs={1: {"constant": True, "dtype": "uint8"}})
        yield Case(name=f"{kind} of a constant of another type", layer=other, refusal="activations of different types")
        wrong = changed(channel, inputs={1: {"shape": (1, 1, 16, 32)}})
        yield Case(name=f"{kind} by a row of constants", layer=wrong, refusal="a scalar or one element per channel")
        wide = changed(channel, inputs={1: {"dtype": "int16"}})
        yield Case(name=f"{kind} by int16 constants", layer=wide, refusal="int16 constant")
        for zero_point in (-128, 127):
            end = changed(channel, inputs={1: {"zero_point": zero_point}})
            yield Case(name=f"{kind} by constants with zero point {zero_point}", layer=end)
        for zero_point in (-129, 128):
            end = changed(channel, inputs={1: {"zero_point": zero_point}})
            yield Case(name=f"{kind} by constants with zero point {zero_point}", layer=end, refusal="int8 constant")
        for one in (channel, scalar):
            cut = changed(one, outputs={0: {"shape": (1, 8, 16, 32)}})
            yield Case(name=f"{kind} by a constant to fewer rows", layer=cut, refusal="they have to be equal")
    product, total = GOOD["mul_by_scalar"], GOOD["add_by_scalar"]
    limits = replace(DEVICE.limits, scalar_product_tolerance=0.25, scalar_sum_tolerance=0.25)  # that floats hold exactly
    for one in (product, total):
        at = changed(one, inputs={0: {"scales": (1.0,)}}, outputs={0: {"scales": (1.25,)}})
        yield Case(name=f"{one.kind} of a scalar at its tolerance", layer=at, device=replace(DEVICE, limits=limits))
    for scale, refusal in ((0.1039, ""), (0.1041, "they may differ"), (0.0961, ""), (0.0959, "they may differ")):
        one = changed(product, outputs={0: {"scales": (scale,)}})
        yield Case(name=f"mul by 1 from scale 0.1 to {scale}", layer=one, refusal=refusal)
    yield Case(
        name="mul by a scalar to another zero point",
        layer=changed(product, outputs={0: {"zero_point": 1}}),
        refusal="moves the zero point",
    )
    yield Case(
        name="mul by a scalar of no value", layer=changed(product, inputs={1: {"value": None}}), refusal="value is not known"
    )
    for scale, refusal in ((0.100009, ""), (0.100011, "it has to stay"), (0.099991, ""), (0.099989, "it has to stay")):
        one = changed(total, outputs={0: {"scales": (scale,), "zero_point": 9}})
        yield Case(name=f"add of a scalar from scale 0.1 to {scale}", layer=one, refusal=refusal)
    for scale, refusal in ((6553.0, ""), (6553.6, "below 65536")):
        one = changed(GOOD["mul_by_channel"], inputs={1: {"scales": (scale,)}}, outputs={0: {"scales": (0.01,)}})
        yield Case(name=f"mul by channel with scale {scale}", layer=one, refusal=refusal)
    for kind in ("relu", "leaky", "sigmoid", "tanh", "requant"):
        cut = reshaped(GOOD[kind], [], [(1, 8, 16, 32)])
        yield Case(name=f"{kind} to fewer rows", layer=cut, refusal="they have to be equal")


CASES: tuple[Case, ...] = (
    *_common(),
    *_ends_of_type(),
    *_depth(),
    *_quantisation(),
    *_elementwise(),
    *convolution_cases(),
    *pooling_cases(),
    *shape_cases(),
)
