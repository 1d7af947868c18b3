"""Decoding gives back what was encoded, refuses what it cannot read in its turn, and is the only reader of registers."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ethosu_simulator
from ethosu_simulator.decoder import decode_operations
from ethosu_simulator.fixed_point import DOUBLE, FIRST_SHIFT, NATURAL
from ethosu_simulator.memory import FeatureMap
from ethosu_simulator.operands import Chain, DmaEnd, DmaIndex, Operand, Scalar
from ethosu_simulator.operations import Convolution, Depthwise, Dma, Elementwise, Operation, Pool, Refused, Stop, Wait
from ethosu_simulator.registers import BY_NAME, ENUMS, Field, Register
from ethosu_simulator.scaling import GlobalScale, OperandScale
from tests.checkout import CHECKOUT
from tests.ethosu_simulator.assembler import Assembler

PRODUCTS = ("u55", "u65", "u85")
SIZES = {"int8": "B8", "uint8": "B8", "int16": "B16", "uint16": "B16", "int32": "B32"}


def _only(stream: Assembler) -> Operation:
    operation, stop = stream.operations()
    assert isinstance(stop, Stop)
    return operation


def _maps(dtype: str) -> st.SearchStrategy[FeatureMap]:
    places = st.integers(0, 2**39)
    return st.builds(
        FeatureMap,
        region=st.integers(0, 7),
        bases=st.tuples(places, places, places, places),
        height0=st.integers(1, 2**16),
        height1=st.integers(1, 2**16),
        width0=st.integers(1, 2**16),
        stride_y=st.integers(-(2**39), 2**39 - 1),
        stride_x=st.integers(-(2**39), 2**39 - 1),
        stride_c=st.integers(-(2**39), 2**39 - 1),
        bricks=st.booleans(),
        dtype=st.just(dtype),
    )


@st.composite
def _operands(draw: st.DrawFn, role: str, shape: tuple[int, int, int]) -> Operand:
    dtype = draw(st.sampled_from(sorted(SIZES)))
    low = 0 if dtype.startswith("u") else -(2**15)
    zero = draw(st.integers(low, low + 2**16 - 1))
    return Operand(role=role, shape=shape, dtype=dtype, zero_point=zero, where=draw(_maps(dtype)))


def _put_map(stream: Assembler, which: str, where: FeatureMap, zero_point: int, **precision: Any) -> None:
    sign = "UNSIGNED" if where.dtype.startswith("u") else "SIGNED"
    form = "NHCWB16" if where.bricks else "NHWC"
    stream.put(f"{which}_PRECISION", activation_type=sign, activation_precision=SIZES[where.dtype], activation_format=form,
               **precision)  # fmt: skip
    stream.put(f"{which}_ZERO_POINT", zero_point=zero_point).put(f"{which}_REGION", region=where.region)
    for index, base in enumerate(where.bases):
        stream.put(f"{which}_BASE{index}", addr=base)
    for axis in "YXC":
        stream.put(f"{which}_STRIDE_{axis}", addr=getattr(where, f"stride_{axis.lower()}"))
    stream.put(f"{which}_HEIGHT0_M1", height_m1=where.height0 - 1).put(f"{which}_HEIGHT1_M1", height_m1=where.height1 - 1)
    stream.put(f"{which}_WIDTH0_M1", width_m1=where.width0 - 1)


def _put_shape(stream: Assembler, shape: tuple[int, int, int]) -> None:
    for side, size in zip(("height", "width", "depth"), shape, strict=True):
        stream.put(f"OFM_{side.upper()}_M1", **{f"{side}_m1": size - 1})


SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))


@settings(deadline=None)
@given(st.data(), st.sampled_from(PRODUCTS), SHAPES)
def test_a_transfer_is_decoded_as_it_was_encoded(data: st.DataObject, product: str, shape: tuple[int, int, int]) -> None:
    _height, rows, groups = shape
    mode = data.draw(st.sampled_from(["D1"] if product == "u55" else ["D1", "D2", "D3"]))
    counts = (1 if mode == "D1" else rows, groups if mode == "D3" else 1)
    length, skips = data.draw(st.integers(0, 2**20)), data.draw(st.tuples(*[st.integers(0, 2**20)] * 4))
    regions, places = data.draw(st.tuples(*[st.integers(0, 7)] * 2)), data.draw(st.tuples(*[st.integers(0, 2**39)] * 2))
    stream = Assembler(product).put("DMA0_LEN", addr=length).put("DMA0_SRC", addr=places[0]).put("DMA0_DST", addr=places[1])
    strided = {"stride_mode": mode}
    stream.put("DMA0_SRC_REGION", region=regions[0], **(strided if product == "u85" else {}))
    stream.put("DMA0_DST_REGION", region=regions[1], **(strided if product != "u85" else {}))
    stream.put("DMA0_SIZE0", size=rows).put("DMA0_SIZE1", size=groups)
    steps = [(0, 0), (0, 0)]
    if product == "u65":
        stream.put("DMA0_SKIP0", addr=skips[0]).put("DMA0_SKIP1", addr=skips[1])
        steps = [(length, length * rows), (length + skips[0], length * rows + (skips[1] if mode == "D3" else 0))]
    elif product == "u85":
        for side, own in (("SRC", skips[:2]), ("DST", skips[2:])):
            stream.put(f"DMA0_{side}_STRIDE0", addr=own[0]).put(f"DMA0_{side}_STRIDE1", addr=own[1])
        steps = [(own[0], own[1] if mode == "D3" else 0) for own in (skips[:2], skips[2:])]
    if mode == "D1":
        steps = [(0, 0), (0, 0)]
    address = stream.address
    assert _only(stream.do("DMA_START")) == Dma(
        address=address, name="NPU_OP_DMA_START", source=DmaEnd(regions[0], places[0], *steps[0]),
        target=DmaEnd(regions[1], places[1], *steps[1]), length=length, counts=counts, index=None, stride_mode=mode,
    )  # fmt: skip


@settings(deadline=None)
@given(st.data(), st.sampled_from(PRODUCTS), SHAPES)
def test_a_sum_is_decoded_as_it_was_encoded(data: st.DataObject, product: str, shape: tuple[int, int, int]) -> None:
    a, b = data.draw(_operands("IFM", shape)), data.draw(_operands("IFM2", shape))
    assert isinstance(a.where, FeatureMap)
    assert isinstance(b.where, FeatureMap)
    out, zero = data.draw(_maps("int8")), data.draw(st.integers(-(2**15), 2**15 - 1))
    scale = GlobalScale(data.draw(st.integers(0, 2**31 - 1)), data.draw(st.integers(0, 63)))
    first, second = (OperandScale(data.draw(st.integers(0, 2**16 - 1)), 0, FIRST_SHIFT, DOUBLE) for _ in range(2))
    stream = Assembler(product)
    _put_shape(stream, shape)
    _put_map(stream, "IFM", a.where, a.zero_point)
    _put_map(stream, "IFM2", b.where, b.zero_point)
    _put_map(stream, "OFM", out, zero, scale_mode="GLOBAL")
    stream.put("OFM_SCALE", scale=scale.scale, shift=scale.shift)
    names = ("IFM_SCALE", "IFM2_SCALE") if product == "u85" else ("OPA_SCALE", "OPB_SCALE")
    for name, how in zip(names, (first, second), strict=True):
        stream.put(name, scale=how.scale)
    found = _only(stream.do("ELEMENTWISE", elementwise_mode="ADD"))
    assert isinstance(found, Elementwise)
    assert (found.mode, found.shape, found.a, found.b, found.scale) == ("ADD", shape, a, b, scale)
    mode = DOUBLE if product == "u85" else NATURAL
    assert (found.scale_a, found.scale_b) == (dataclasses.replace(first, mode=mode), dataclasses.replace(second, mode=mode))
    assert (found.output.where, found.output.stage.zero_point) == (out, zero)


@settings(deadline=None)
@given(
    st.data(), st.sampled_from(PRODUCTS), SHAPES, st.tuples(*[st.integers(1, 4)] * 2), st.tuples(*[st.integers(1, 2)] * 2),
    st.tuples(*[st.integers(1, 30)] * 2), st.tuples(*[st.integers(0, 20)] * 4),
)  # fmt: skip
def test_a_window_is_decoded_as_it_was_encoded(
    data: st.DataObject, product: str, shape: tuple[int, int, int], strides: tuple[int, ...], dilations: tuple[int, ...],
    kernel: tuple[int, ...], padding: tuple[int, ...],
) -> None:  # fmt: skip
    reach = [(size - 1) * dilation for size, dilation in zip(kernel, dilations, strict=True)]
    padded = [(count - 1) * stride + far + 1 for count, stride, far in zip(shape, strides, reach, strict=False)]
    top, left, bottom, right = padding
    inside = padded[0] - top - bottom, padded[1] - left - right
    assume(min(inside) >= 0)
    depth, upscale = data.draw(st.integers(1, 64)), data.draw(st.sampled_from(["NONE", "NEAREST", "ZEROS"]))
    stream = Assembler(product).put("IFM_DEPTH_M1", depth_m1=depth - 1).put("IFM_UPSCALE", mode=upscale)
    _put_shape(stream, shape)
    stream.put("KERNEL_HEIGHT_M1", height_m1=reach[0]).put("KERNEL_WIDTH_M1", width_m1=reach[1])
    stream.put(
        "KERNEL_STRIDE", stride_y_lsb=strides[0] - 1 & 1, stride_y_msb=strides[0] - 1 >> 1, stride_x_lsb=strides[1] - 1 & 1,
        stride_x_msb=strides[1] - 1 >> 1, dilation_y=dilations[0] - 1, dilation_x=dilations[1] - 1,
    )  # fmt: skip
    for side, size in zip(("TOP", "LEFT", "BOTTOM", "RIGHT"), padding, strict=True):
        stream.put(f"IFM_PAD_{side}", pad=size)
    found = _only(stream.do("POOL", pooling_mode="MAX"))
    assert isinstance(found, Pool)
    win = found.window
    assert (win.kernel_y, win.kernel_x, win.stride_y, win.stride_x, win.dilation_y, win.dilation_x) == (
        *kernel, *strides, *dilations,
    )  # fmt: skip
    assert (win.top, win.left, win.bottom, win.right, win.upscale, win.ofm) == (*padding, upscale, shape)
    halves = 1 if upscale == "NONE" else 2
    assert found.ifm.shape == (-(-inside[0] // halves), -(-inside[1] // halves), depth)


@pytest.mark.parametrize(("product", "cores"), [("u55", 1), ("u65", 2), ("u85", 1)])
def test_weights_are_decoded_with_a_range_for_each_stream(product: str, cores: int) -> None:
    stream = Assembler(product).put("OFM_PRECISION", activation_type="SIGNED").put("WEIGHT_REGION", region=3)
    stream.put("WEIGHT_BASE", addr=64).put("WEIGHT_LENGTH", length=32)
    if cores == 2:
        stream.put("PARALLEL_MODE", parallel_mode="DUAL_CORE_DEPTH")
        stream.put("WEIGHT1_BASE", addr=96).put("WEIGHT1_LENGTH", length=16)
    found = _only(stream.do("CONV"))
    assert isinstance(found, Convolution)
    assert [(place.region, place.start, place.length) for place in found.weights.streams] == [(3, 64, 32), (3, 96, 16)][:cores]
    assert (found.weights.cores, found.weights.shape, len(found.weights.scales)) == (cores, (1, 1, 1, 1), cores)
    depthwise = _only(stream_again(stream, "DEPTHWISE"))
    assert isinstance(depthwise, Depthwise)
    assert depthwise.weights.traversal.kind == "DEPTHWISE"


def stream_again(stream: Assembler, operation: str) -> Assembler:
    """The same registers, another operation."""
    other = Assembler(stream.product)
    other.words = stream.words[:-1]
    return other.do(operation)


def test_u85_operands_may_be_chained_scalar_and_turned() -> None:
    stream = Assembler("u85").put("OP_SCALAR", scalar=-5).put("IFM_REGION", region=1)
    stream.put("IFM_PRECISION", activation_type="SIGNED", activation_storage="CHAINED")
    stream.put("IFM2_PRECISION", activation_type="SIGNED", activation_storage="NONE")
    stream.put(
        "OFM_PRECISION", activation_type="SIGNED", scale_mode="GLOBAL", activation_reverse="W", activation_transpose="WHC"
    )
    found = _only(stream.do("ELEMENTWISE", elementwise_mode="MAX"))
    assert isinstance(found, Elementwise)
    assert found.b is not None
    assert (found.a.where, found.b.where, found.output.reverse, found.output.order) == (Chain(1), Scalar(-5), 1, (1, 0, 2))


def test_a_gather_has_the_place_of_its_row_numbers() -> None:
    stream = Assembler("u85").put("DMA0_SRC_REGION", region=1, idx_mode="ENABLED", stride_mode="D2").put("DMA0_SIZE0", size=4)
    stream.put("DMA0_IDX_REGION", region=2).put("DMA0_IDX", addr=48).put("DMA0_IDX_MAX", idx_max=9)
    found = _only(stream.do("DMA_START"))
    assert isinstance(found, Dma)
    assert found.index == DmaIndex(side="SRC", region=2, start=48, skip=0, most=9)


def test_waits_say_what_may_go_on() -> None:
    found = _only(Assembler("u55").do("KERNEL_WAIT", n=2))
    assert isinstance(found, Wait)
    assert (found.what, found.outstanding) == ("KERNEL", 2)


@pytest.mark.parametrize("product", PRODUCTS)
def test_an_operation_that_is_refused_comes_after_everything_before_it(product: str) -> None:
    stream = Assembler(product).do("ELEMENTWISE", elementwise_mode="MAX")
    stream.put("IFM_UPSCALE", mode="NEAREST").do("ELEMENTWISE", elementwise_mode="MAX")
    arena = np.full(4096, 5, np.uint8)
    with pytest.raises(ethosu_simulator.NotModelled, match="IFM_UPSCALE"):
        stream.run(arena)
    assert arena[1024] == 5


def test_a_transfer_of_several_rows_is_none_of_u55() -> None:
    stream = Assembler("u55").put("DMA0_DST_REGION", region=1, stride_mode="D2")
    with pytest.raises(ethosu_simulator.NotModelled, match="stride_mode D2, which U55 has no registers for"):
        stream.do("DMA_START").run()


def _field_values(field: Field) -> st.SearchStrategy[int]:
    numbers = sorted(ENUMS[field.meaning]) if field.meaning in ENUMS else None
    return st.sampled_from(numbers) if numbers else st.integers(0, (1 << field.width) - 1)


@st.composite
def _streams(draw: st.DrawFn) -> Assembler:
    stream = Assembler(draw(st.sampled_from(PRODUCTS)))
    if draw(st.booleans()):
        stream.words = []  # nothing was set
    rows: list[Register] = list(BY_NAME[stream.product].values())
    for _ in range(draw(st.integers(0, 12))):
        row = draw(st.sampled_from(rows))
        fields = {field.name: draw(_field_values(field)) for field in row.fields}
        (stream.do if row.is_operation else stream.put)(row.name.split("_", 1)[1], **fields)
    return stream


@settings(deadline=None, max_examples=300)
@given(_streams())
def test_every_stream_decodes_into_one_operation_for_each_command(stream: Assembler) -> None:
    commands, config = stream.commands(), stream.config
    acting = [command for command in commands if command.register.is_operation]
    stop = next(index for index, command in enumerate(acting) if command.register.name == "OP_STOP")
    found = decode_operations(commands, config)
    assert [operation.address for operation in found] == [command.address for command in acting[: stop + 1]]
    for operation in found:
        assert isinstance(operation, Refused) or not operation.name.startswith("NPU_OP_BRANCH")


@settings(deadline=None, max_examples=60)
@given(_streams())
def test_decoding_twice_gives_the_same_operations(stream: Assembler) -> None:
    first, second = (decode_operations(stream.commands(), stream.config) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert str(one) == str(other) if isinstance(one, Refused) else one == other


def _imports() -> dict[str, set[str]]:
    """The modules of the simulator that each of its files imports, by path below the package."""
    package = CHECKOUT / "ethosu_simulator"
    found = {}
    for path in package.rglob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
        names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names} | {str(node.module) for node in nodes}
        found[path.relative_to(package).as_posix()] = names
    return found


def test_nothing_but_the_decoder_touches_the_register_file() -> None:
    users = {path for path, names in _imports().items() if any("register_file" in name for name in names)}
    assert users, "the check sees nobody"
    assert all(path.startswith("decoder/") for path in users), users


def test_the_register_table_is_read_by_what_decodes_and_prints_commands_only() -> None:
    users = {path for path, names in _imports().items() if "ethosu_simulator.registers" in names}
    assert users - {path for path in users if path.startswith("decoder/")} == {"command_stream.py", "disassemble.py"}


def test_nothing_behind_the_decoder_asks_which_product_it_is() -> None:
    package, asking = CHECKOUT / "ethosu_simulator", []
    for path in [package / name for name in ("npu.py", "machine.py", "trace.py", "weights.py", "weight_order.py")] + [
        *(package / "ops").glob("*.py"), *(package / "fast").glob("*.py"),
    ]:  # fmt: skip
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and node.value in PRODUCTS:
                asking.append(f"{path.name}:{node.lineno}")
    assert not asking
