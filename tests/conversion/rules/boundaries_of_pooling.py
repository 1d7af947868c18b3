"""Boundaries of MAX_POOL_2D, AVERAGE_POOL_2D and MEAN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conversion.rules.layer import Layer
from tests.conversion.rules.good_layers import DEVICE, GOOD, Case, reshaped

NONE, BEHIND = (0, 0, 0, 0), (0, 1, 0, 1)


def pooled(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, ...],
    size: tuple[int, int] = (40, 40),
    kind: str = "pool",
) -> Layer:
    rows = (size[0] + padding[0] + padding[1] - kernel[0]) // stride[0] + 1
    columns = (size[1] + padding[2] + padding[3] - kernel[1]) // stride[1] + 1
    return reshaped(
        GOOD[kind], [(1, *size, 16)], [(1, max(rows, 1), max(columns, 1), 16)], kernel=kernel, stride=stride, padding=padding
    )


def same(height: int, width: int) -> tuple[int, ...]:
    return ((height - 1) // 2, height // 2, (width - 1) // 2, width // 2)


def pooling_cases() -> Iterator[Case]:
    yield from _stride_1()
    yield from _stride_2()
    yield from _sizes()
    yield from _averages()


def _stride_1() -> Iterator[Case]:
    for side in range(1, 21):
        valid = "" if side <= 9 else "at stride 1 at most 9"
        yield Case(name=f"max pool {side} VALID", layer=pooled((side, side), (1, 1), NONE), refusal=valid)
        refusal = "" if side <= 17 else "17 with SAME"
        yield Case(name=f"max pool {side} SAME", layer=pooled((side, side), (1, 1), same(side, side)), refusal=refusal)
        yield Case(name=f"max pool 1x{side} SAME", layer=pooled((1, side), (1, 1), same(1, side)), refusal=refusal)
        yield Case(name=f"max pool {side}x1 VALID", layer=pooled((side, 1), (1, 1), NONE), refusal=valid)
    yield Case(name="max pool 3 padded behind only", layer=pooled((3, 3), (1, 1), BEHIND), refusal="at stride 1 at most 9")
    yield Case(name="max pool 2 padded in front", layer=pooled((2, 2), (1, 1), (1, 0, 1, 0)), refusal="at stride 1 at most 9")
    yield Case(name="max pool 3 padded on rows only", layer=pooled((3, 3), (1, 1), (1, 1, 0, 0)), refusal="at stride 1")
    for stride in ((3, 3), (1, 2), (2, 1)):
        yield Case(name=f"max pool at stride {stride}", layer=pooled((3, 3), stride, NONE, (41, 41)), refusal="pooling has")
    for size in ((3, 2), (2, 3)):
        small = pooled((3, 3), (1, 1), (1, 1, 1, 1), size)
        yield Case(name=f"max pool 3x3 on {size}", layer=small, refusal="it has to fit")
    yield Case(name="max pool 3x3 on 3x3", layer=pooled((3, 3), (1, 1), (1, 1, 1, 1), (3, 3)))


def _stride_2() -> Iterator[Case]:
    for kernel in (1, 2, 3, 4, 5):
        for rows in (40, 41):
            for columns in (40, 41):
                for padding in (NONE, BEHIND, (0, 1, 0, 0), (0, 0, 0, 1), (1, 1, 1, 1)):
                    tiled = rows == columns and (rows % 2 == 0) == (kernel == 2)
                    taken = (kernel == 1 and padding == NONE) or (
                        kernel in (2, 3) and rows == columns and padding == (NONE if tiled else BEHIND)
                    )
                    yield Case(
                        name=f"max pool {kernel} at stride 2 on {rows}x{columns} padded by {padding}",
                        layer=pooled((kernel, kernel), (2, 2), padding, (rows, columns)),
                        refusal="" if taken else "at stride 2: there are",
                    )
    yield Case(name="max pool 2x1 at stride 2", layer=pooled((2, 1), (2, 2), NONE), refusal="at stride 2: there are")


def _sizes() -> Iterator[Case]:
    # (SRAM - 4096) / 2 / 128, rounded down to 8.
    for sram, largest in ((0x7_0000, 1776), (0xC_0000, 3056), (0x10_0000, 4080), (0x20_0000, 8176)):
        device = replace(DEVICE, sram_bytes=sram)
        for size, refusal in ((largest, ""), (largest + 1, f"height and width at most {largest}")):
            for sides in ((size, 8), (8, size)):
                one = pooled((3, 3), (1, 1), (1, 1, 1, 1), sides)
                yield Case(name=f"max pool on {sides} in {sram} bytes", layer=one, device=device, refusal=refusal)
    spare = replace(DEVICE, sram_bytes=4096 + 2 * 128 * 32 - 1)  # one byte short of a map of 32
    for size, refusal in ((24, ""), (32, "at most 24")):
        one = pooled((3, 3), (1, 1), (1, 1, 1, 1), (size, 8))
        yield Case(name=f"max pool on {size} in a byte less than 32 need", layer=one, device=spare, refusal=refusal)
    for width, padding, refusal in (
        (417, NONE, ""),
        (419, NONE, "at most 417"),
        (416, BEHIND, ""),
        (418, BEHIND, "at most 417"),
    ):
        one = pooled((3, 3), (2, 2), padding, (41 if padding == NONE else 40, width))
        yield Case(name=f"max pool 3x3 at stride 2 on width {width}", layer=one, refusal=refusal)
    yield Case(name="max pool 2x2 at stride 2 on width 5000", layer=pooled((2, 2), (2, 2), NONE, (40, 5000)))
    yield Case(name="max pool 3x3 at stride 2 on height 5001", layer=pooled((3, 3), (2, 2), NONE, (5001, 41)))


def _averages() -> Iterator[Case]:
    kind = "average_pool"
    for side in (6, 7, 8, 9):
        refusal = "" if side in (7, 8) else "there are 7x7 and 8x8"
        whole = pooled((side, side), (1, 1), NONE, (side, side), kind)
        yield Case(name=f"average of the whole of {side}x{side}", layer=whole, refusal=refusal)
        mean = reshaped(GOOD["mean"], [(1, side, side, 32)], [(1, 1, 1, 32)])
        yield Case(name=f"mean of {side}x{side}", layer=mean, refusal=refusal)
    yield Case(name="mean of 7x8", layer=reshaped(GOOD["mean"], [(1, 7, 8, 32)], [(1, 1, 1, 32)]), refusal="mean over 7x8")
    yield Case(name="mean of rows", layer=reshaped(GOOD["mean"], [(1, 8, 8, 32)], [(1, 1, 8, 32)]), refusal="mean over 8x8")
    for kernel, stride, padding in (
        ((5, 5), (1, 1), (2, 2, 2, 2)),
        ((2, 2), (1, 1), (1, 1, 1, 1)),
        ((3, 3), (2, 2), (1, 1, 1, 1)),
        ((3, 3), (1, 1), NONE),
        ((3, 1), (1, 1), (1, 1, 1, 1)),
    ):
        one = pooled(kernel, stride, padding, kind=kind)
        yield Case(name=f"average {kernel} at {stride} padded by {padding}", layer=one, refusal="average over")
    # 1 MiB is 8192 bricks of 8 x 16 bytes: 256 x 256 with 16 channels.
    for rows, refusal in ((256, ""), (257, "bytes of SRAM")):
        one = pooled((3, 3), (1, 1), (1, 1, 1, 1), (rows, 256), kind)
        yield Case(name=f"average on {rows}x256", layer=one, refusal=refusal)
