"""Every weight of a stream has its place in the kernel, and every place of the kernel its weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ethosu_simulator import WeightStreamError
from ethosu_simulator.weight_order import (
    DEPTH_FIRST,
    DEPTHWISE,
    PADDING,
    PART_KERNEL,
    RASTER,
    SNAKE,
    Decoder,
    KernelShape,
    Traversal,
    stream_order,
    unpack,
)

KINDS = (DEPTH_FIRST, PART_KERNEL, DEPTHWISE)


def _raster(kind: str, ofm_block_depth: int = 8, **more: int) -> Traversal:
    return Traversal(
        walk=RASTER, kind=kind, ofm_block_depth=ofm_block_depth, ifm_block_depth=16 if kind == PART_KERNEL else 32,
        ofm_ublock_depth=8, ifm_ublock_depth=8, dilation_y=more.get("dilation", 1), dilation_x=1,
        kernel_round={DEPTHWISE: 4, PART_KERNEL: 4, DEPTH_FIRST: 1}[kind],
    )  # fmt: skip


def _snake(kind: str, ofm_block_depth: int = 16, stride: int = 1, padding_count: int = 0) -> Traversal:
    return Traversal(
        walk=SNAKE, kind=kind, ofm_block_depth=ofm_block_depth, ifm_block_depth=16 if kind == PART_KERNEL else 64,
        ofm_ublock_depth=16, ifm_ublock_depth=1 if kind == DEPTHWISE else 16 if kind == PART_KERNEL else 64, dilation_y=1,
        dilation_x=1, kernel_round={DEPTHWISE: 10, PART_KERNEL: 5, DEPTH_FIRST: 1}[kind],
        stride_y=1 if kind == DEPTH_FIRST else stride, stride_x=1 if kind == DEPTH_FIRST else stride,
        padding_count=padding_count,
    )  # fmt: skip


@st.composite
def _cases(draw: st.DrawFn) -> tuple[KernelShape, Traversal, int]:
    kind = draw(st.sampled_from(KINDS))
    sides = draw(st.tuples(st.integers(1, 40), st.integers(1, 10), st.integers(1, 10), st.integers(1, 70)))
    shape = (*sides[:3], 1 if kind == DEPTHWISE else sides[3])
    if draw(st.booleans()):
        return shape, _raster(kind, draw(st.sampled_from([8, 16, 24])), dilation=draw(st.integers(1, 2))), 1
    how = _snake(kind, draw(st.sampled_from([16, 32])), draw(st.integers(1, 4)), draw(st.sampled_from([0, 2])))
    return shape, how, draw(st.sampled_from([1, 2, 4]))


@settings(deadline=None, max_examples=60)
@given(_cases())
def test_the_streams_together_hold_each_weight_of_the_kernel_once(case: tuple[KernelShape, Traversal, int]) -> None:
    shape, how, count = case
    orders = [stream_order(shape, how, Decoder(index, count)) for index in range(count)]
    places = np.concatenate(orders)
    assert np.array_equal(np.sort(places[places != PADDING]), np.arange(np.prod(shape)))


@settings(deadline=None, max_examples=30)
@given(_cases())
def test_a_kernel_dealt_into_streams_comes_back(case: tuple[KernelShape, Traversal, int]) -> None:
    shape, how, count = case
    kernel = np.random.default_rng(1).integers(-255, 256, shape).astype(np.int16)
    with_padding = np.concatenate([kernel.reshape(-1), np.array([77], np.int16)])  # -1 takes the last
    streams = [with_padding[stream_order(shape, how, Decoder(index, count))] for index in range(count)]
    np.testing.assert_array_equal(unpack(streams, shape, how), kernel)
    with pytest.raises(WeightStreamError, match="runs dry"):
        unpack([stream[:-1] for stream in streams], shape, how)


def test_a_raster_goes_through_blocks_parts_micro_blocks_and_places_in_that_order() -> None:
    # 9 columns: a part of 8 and one of 1; 2 output channels, filled up to 8; one input channel, filled up to 32.
    order = stream_order((2, 1, 9, 1), _raster(DEPTH_FIRST), Decoder())
    taken = order[order != PADDING].tolist()
    first = [place for column in range(8) for place in (column, 9 + column)]  # both channels of a place, then the next place
    assert taken == [*first, 8, 17]
    assert len(order) == 9 * 8 * 32


def test_a_snake_turns_round_in_every_other_row_of_a_phase() -> None:
    order = stream_order((1, 2, 4, 1), _snake(DEPTHWISE), Decoder())
    assert order[order != PADDING].tolist() == [0, 1, 2, 3, 7, 6, 5, 4]
    order = stream_order((1, 2, 4, 1), _snake(DEPTHWISE, stride=2), Decoder())
    assert order[order != PADDING].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_snake_comes_back_through_the_input_channels() -> None:
    order = stream_order((32, 1, 1, 32), _snake(PART_KERNEL), Decoder())
    channels = order[order != PADDING] % 32
    assert [int(channels[at]) for at in (0, 255, 256, 511, 512, 768)] == [0, 15, 16, 31, 16, 0]


def test_an_order_is_made_once_for_all_kernels_of_a_kind() -> None:
    first, second = (stream_order((16, 3, 3, 16), _raster(PART_KERNEL), Decoder()) for _ in range(2))
    assert first is second
