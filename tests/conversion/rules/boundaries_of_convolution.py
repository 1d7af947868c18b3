"""Boundaries of CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conversion.rules.layer import Layer
from tests.conversion.rules.good_layers import DEEPEST, DEVICE, GOOD, Case, changed, reshaped

CONVOLUTIONS = ("conv", "dw", "transpose_conv")
WEIGHTED = (*CONVOLUTIONS, "fully_connected")


def convolved(
    kind: str, kernel: tuple[int, int], stride: int, size: int = 64, padding: tuple[int, ...] = (0, 0, 0, 0)
) -> Layer:
    """A layer of that kernel and stride, with the output that these give."""
    height, width = kernel
    rows = (size + padding[0] + padding[1] - height) // stride + 1
    columns = (size + padding[2] + padding[3] - width) // stride + 1
    good = GOOD[kind]
    channels = good.outputs[0].shape[3]
    weights = (height, width, *good.inputs[1].shape[2:])
    return reshaped(
        good, [(1, size, size, 32), weights], [(1, rows, columns, channels)], stride=(stride, stride), padding=padding
    )


def convolution_cases() -> Iterator[Case]:
    yield from _kernels()
    yield from _strides()
    yield from _paddings()
    yield from _weights()
    yield from _scales()
    yield from _sizes()


def _kernels() -> Iterator[Case]:
    for size in range(1, 12):
        refusal = "" if size in (1, 2, 3, 5, 7, 9) else "height and width have to be of"
        for kind in ("conv", "dw"):
            yield Case(name=f"{kind} {size}x{size}", layer=convolved(kind, (size, size), 1), refusal=refusal)
        yield Case(name=f"conv 1x{size}", layer=convolved("conv", (1, size), 1), refusal=refusal)
        yield Case(name=f"conv {size}x1", layer=convolved("conv", (size, 1), 1), refusal=refusal)
        turned = changed(GOOD["transpose_conv"], inputs={1: {"shape": (size, size, 32, 8)}})
        yield Case(name=f"transpose_conv {size}x{size}", layer=turned, refusal=refusal)
    yield Case(name="dw 3x5", layer=convolved("dw", (3, 5), 1), refusal="has to be square")


def _strides() -> Iterator[Case]:
    for kind in ("conv", "dw"):
        yield Case(name=f"{kind} at stride 2", layer=convolved(kind, (3, 3), 2))
        yield Case(name=f"{kind} at stride 3", layer=convolved(kind, (3, 3), 3), refusal="both have to be equal")
        uneven = changed(
            convolved(kind, (3, 3), 1), stride=(2, 1), outputs={0: {"shape": (1, 31, 62, 8 if kind == "conv" else 32)}}
        )
        yield Case(name=f"{kind} at stride 2, 1", layer=uneven, refusal="both have to be equal")
    for kernel, refusal in (((7, 7), ""), ((9, 9), "at stride 2"), ((1, 9), "at stride 2"), ((9, 1), "at stride 2")):
        yield Case(name=f"conv {kernel} at stride 2", layer=convolved("conv", kernel, 2), refusal=refusal)
    eights = replace(DEVICE, limits=replace(DEVICE.limits, kernels=[8]))  # no hardware has it: one step above 7
    strided = convolved("conv", (8, 8), 2)
    yield Case(name="conv 8x8 at stride 2 if there were 8x8", layer=strided, device=eights, refusal="at stride 2")
    yield Case(name="dw 9x9 at stride 2", layer=convolved("dw", (9, 9), 2))
    yield Case(name="dw 1x1 at stride 2", layer=convolved("dw", (1, 1), 2), refusal="it has to be 1")
    yield Case(name="dw 2x2 at stride 2", layer=convolved("dw", (2, 2), 2))
    yield Case(name="conv 1x1 at stride 2", layer=convolved("conv", (1, 1), 2))
    for stride in ((1, 1), (2, 1), (3, 3)):
        turned = changed(GOOD["transpose_conv"], stride=stride)
        yield Case(name=f"transpose_conv at stride {stride}", layer=turned, refusal="has to have 2x2")


def _paddings() -> Iterator[Case]:
    for side in range(4):
        for most, refusal in ((7, ""), (8, "padding of 8 on a side")):
            padding = tuple(most if number == side else 0 for number in range(4))
            for kind in ("conv", "dw"):
                yield Case(
                    name=f"{kind} padded by {padding}", layer=convolved(kind, (3, 3), 1, padding=padding), refusal=refusal
                )
            turned = changed(GOOD["transpose_conv"], padding=padding)
            yield Case(name=f"transpose_conv padded by {padding}", layer=turned, refusal=refusal)
    for kind in CONVOLUTIONS:
        for dilation in ((2, 2), (1, 2), (2, 1)):
            yield Case(name=f"{kind} dilated {dilation}", layer=changed(GOOD[kind], dilation=dilation), refusal="dilation")


def _weights() -> Iterator[Case]:
    for kind in WEIGHTED:
        good = GOOD[kind]
        for number, what in ((1, "weights"), (2, "bias")):
            computed = changed(good, inputs={number: {"constant": False}})
            yield Case(name=f"{kind} with computed {what}", layer=computed, refusal="they have to be constants")
        wide = changed(good, inputs={1: {"dtype": "int16"}})
        yield Case(name=f"{kind} with int16 weights", layer=wide, refusal="int16 weights")
        uint8 = changed(good, inputs={1: {"dtype": "uint8", "zero_point": 255}})
        yield Case(name=f"{kind} with uint8 weights", layer=uint8)
        lowest = changed(good, inputs={1: {"zero_point": -128}})
        yield Case(name=f"{kind} with the lowest zero point of its weights", layer=lowest)
        beyond = changed(good, inputs={1: {"zero_point": 128}})
        yield Case(name=f"{kind} with a zero point beyond its weights", layer=beyond, refusal="weights with zero point 128")
        shape = good.inputs[1].shape
        grouped = changed(good, inputs={1: {"shape": (*shape[:2], shape[2] // 2, shape[3])}})
        yield Case(name=f"{kind} in groups", layer=grouped, refusal="no grouped convolutions")
        short = changed(good, inputs={2: {"shape": (1, 1, 1, good.inputs[2].shape[3] - 1)}})
        yield Case(name=f"{kind} with a short bias", layer=short, refusal="output channels")
        fewer = changed(short, outputs={0: {"shape": (*good.outputs[0].shape[:3], good.inputs[2].shape[3] - 1)}})
        yield Case(name=f"{kind} with bias and output short", layer=fewer, refusal="output channels")
        more = changed(good, outputs={0: {"shape": (*good.outputs[0].shape[:3], good.outputs[0].shape[3] + 1)}})
        yield Case(name=f"{kind} with a channel more", layer=more, refusal="output channels")
    two = reshaped(GOOD["dw"], [(1, 16, 16, 32), (3, 3, 32, 2), (1, 1, 1, 64)], [(1, 16, 16, 64)])
    yield Case(name="dw with multiplier 2", layer=two, refusal="multiplier 2")
    single = reshaped(GOOD["dw"], [(1, 16, 16, 1), (3, 3, 1, 2), (1, 1, 1, 2)], [(1, 16, 16, 2)])
    yield Case(name="dw with multiplier 2 of one channel", layer=single)
    for axis, refusal in ((3, ""), (2, "only output channels")):
        scales = changed(single, inputs={1: {"scales": (0.01, 0.01), "axis": axis}, 2: {"scales": (0.001, 0.001)}})
        yield Case(name=f"dw with multiplier 2 and scales along {axis}", layer=scales, refusal=refusal)


def per_channel(kind: str, count: int, axis: int, bias_scales: int | None = None) -> Layer:
    """The good layer with `count` scales of its weights along `axis`."""
    scales: dict[int, dict[str, Any]] = {
        1: {"scales": (0.01,) * count, "axis": axis},
        2: {"scales": (0.001,) * (count if bias_scales is None else bias_scales), "axis": 3},
    }
    return changed(GOOD[kind], inputs=scales)


def _scales() -> Iterator[Case]:
    for kind, count, axis in (("conv", 8, 3), ("dw", 32, 2), ("transpose_conv", 8, 3)):
        yield Case(name=f"{kind} per channel", layer=per_channel(kind, count, axis))
        yield Case(name=f"{kind} per channel elsewhere", layer=per_channel(kind, count, 1), refusal="only output channels")
        yield Case(name=f"{kind} with scales missing", layer=per_channel(kind, count - 1, axis), refusal="only output channels")
        halved = per_channel(kind, count, axis, count - 1)
        yield Case(name=f"{kind} with bias scales missing", layer=halved, refusal="scales of the bias")
        yield Case(name=f"{kind} per channel with one bias scale", layer=per_channel(kind, count, axis, 1))
        last = changed(per_channel(kind, count, axis), inputs={2: {"scales": (0.001,) * (count - 1) + (0.002,)}})
        yield Case(name=f"{kind} whose last bias scale is off", layer=last, refusal="they may differ by 1 %")
    yield Case(
        name="fully_connected per channel",
        layer=per_channel("fully_connected", 8, 3),
        refusal="a fully connected layer has to have one",
    )
    yield Case(
        name="fully_connected per channel with one bias scale",
        layer=per_channel("fully_connected", 8, 3, 1),
        refusal="a fully connected layer has to have one",
    )
    for kind in WEIGHTED:
        good = GOOD[kind]
        for dtype, zero_point in (("int8", 0), ("int32", 1)):
            wrong = changed(good, inputs={2: {"dtype": dtype, "zero_point": zero_point}})
            yield Case(name=f"{kind} with a bias in {dtype}, {zero_point}", layer=wrong, refusal="it has to be int32 with 0")
        for factor, refusal in ((1.0099, ""), (1.0101, "differ by 1 %"), (0.9901, ""), (0.9899, "differ by 1 %")):
            scaled = changed(good, inputs={2: {"scales": (0.001 * factor,)}})
            yield Case(name=f"{kind} with a bias scale {factor} times", layer=scaled, refusal=refusal)
        exact = replace(
            DEVICE, limits=replace(DEVICE.limits, bias_scale_tolerance=0.25)
        )  # a tolerance that floats hold exactly
        halves = changed(good, inputs={0: {"scales": (0.5,)}, 1: {"scales": (2.0,)}, 2: {"scales": (1.25,)}})
        yield Case(name=f"{kind} with a bias scale at its tolerance", layer=halves, device=exact)
        for ratio, refusal in ((65535.5, ""), (65536, "below 65536")):
            wide = changed(
                good,
                inputs={0: {"scales": (0.5,)}, 1: {"scales": (2.0 * ratio,)}, 2: {"scales": (1.0 * ratio,)}},
                outputs={0: {"scales": (1.0,)}},
            )
            yield Case(name=f"{kind} with multiplier {ratio}", layer=wide, refusal=refusal)
    largest = changed(
        per_channel("conv", 8, 3),
        inputs={0: {"scales": (0.5,)}, 1: {"scales": (2.0,) * 7 + (131072.0,)}, 2: {"scales": (1.0,) * 7 + (65536.0,)}},
        outputs={0: {"scales": (1.0,)}},
    )
    yield Case(name="conv with one multiplier too large", layer=largest, refusal="below 65536")


def _sizes() -> Iterator[Case]:
    for kind, channels in (("conv", 8), ("dw", 32)):
        for shape in ((1, 17, 16, channels), (1, 16, 17, channels), (1, 15, 16, channels)):
            wrong = changed(GOOD[kind], outputs={0: {"shape": shape}})
            yield Case(name=f"{kind} to {shape}", layer=wrong, refusal="where padding and stride make")
        odd = convolved(kind, (3, 3), 2, size=65, padding=(0, 1, 0, 1))
        yield Case(name=f"{kind} at stride 2 with a row to spare", layer=odd)
    for kind, deep in (("conv", DEEPEST), ("transpose_conv", DEEPEST), ("fully_connected", DEEPEST)):
        good = GOOD[kind]
        for channels, refusal in ((deep, ""), (deep + 1, f"{deep + 1} channels of")):
            out = (*good.outputs[0].shape[:2], max(good.outputs[0].shape[2], 2), channels)
            source = (*good.inputs[0].shape[:2], max(good.inputs[0].shape[2], 2), 32)
            shapes = [source, (*good.inputs[1].shape[:3], channels), (1, 1, 1, channels)]
            yield Case(name=f"{kind} to {channels} channels", layer=reshaped(good, shapes, [out]), refusal=refusal)
    one = GOOD["dw"]
    deep_single = reshaped(one, [(1, 16, 16, 1), (3, 3, 1, DEEPEST + 1), (1, 1, 1, DEEPEST + 1)], [(1, 16, 16, DEEPEST + 1)])
    yield Case(name="dw of one channel to many", layer=deep_single, refusal=f"{DEEPEST + 1} channels of")
