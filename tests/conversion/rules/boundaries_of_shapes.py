"""Boundaries of CONCATENATION, SPLIT, RESHAPE, TRANSPOSE, PAD, RESIZE and DEPTH_TO_SPACE."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conversion.rules.layer import Layer
from tests.conversion.rules.good_layers import DEEPEST, DEVICE, GOOD, Case, changed, layer, reshaped, tensor


def shape_cases() -> Iterator[Case]:
    yield from _joined()
    yield from _reshaped()
    yield from _transposed()
    yield from _padded()
    yield from _resized()


def _joined() -> Iterator[Case]:
    concat, split = GOOD["concat"], GOOD["split"]
    for axis, total in ((1, (1, 32, 16, 32)), (2, (1, 16, 32, 32)), (3, (1, 16, 16, 64))):
        yield Case(name=f"concat along {axis}", layer=reshaped(concat, [], [total], axis=axis))
        parts = [(1, 16, 16, 32), (1, 16, 16, 32)]
        yield Case(name=f"split along {axis}", layer=reshaped(split, [total], parts, axis=axis))
    for axis in (0, 4, -1):
        for good in (concat, split):
            yield Case(
                name=f"{good.kind} along {axis}",
                layer=changed(good, axis=axis),
                refusal="it has to be height, width or channels",
            )
    short = changed(concat, outputs={0: {"shape": (1, 16, 16, 63)}})
    yield Case(name="concat to one channel less", layer=short, refusal="parts make up 64 of 63")
    wide = changed(concat, inputs={1: {"shape": (1, 16, 17, 32)}})
    yield Case(name="concat of another width", layer=wide, refusal="agree outside axis 3")
    more = changed(split, inputs={0: {"shape": (1, 16, 16, 33)}})
    yield Case(name="split with a channel left", layer=more, refusal="parts make up 32 of 33")
    high = changed(split, outputs={1: {"shape": (1, 17, 16, 17)}})
    yield Case(name="split into another height", layer=high, refusal="agree outside axis 3")
    for deep, refusal in ((DEEPEST - 1, ""), (DEEPEST, f"{DEEPEST + 1} channels of")):
        joined = reshaped(concat, [(1, 16, 2, deep), (1, 16, 2, 1)], [(1, 16, 2, deep + 1)])
        yield Case(name=f"concat to {deep + 1} channels", layer=joined, refusal=refusal)
    four = layer("concat", [tensor(1, 16, 16, 1)] * 4, [tensor(1, 16, 16, 4)], axis=3)
    yield Case(name="concat of four single channels", layer=four)


def _reshaped() -> Iterator[Case]:
    good = GOOD["reshape"]
    yield Case(
        name="reshape to another number", layer=reshaped(good, [], [(1, 256, 1, 31)]), refusal="other numbers of elements"
    )
    for deep, refusal in ((DEEPEST, ""), (DEEPEST + 1, f"{DEEPEST + 1} channels of")):
        one = reshaped(good, [(1, 2, deep, 1)], [(1, 1, 2, deep)])
        yield Case(name=f"reshape to {deep} channels", layer=one, refusal=refusal)
    yield Case(name="reshape to another zero point", layer=changed(good, outputs={0: {"zero_point": 5}}))


def transposed(shape: tuple[int, ...], permutation: tuple[int, ...]) -> Layer:
    out = tuple(shape[dimension] for dimension in permutation)
    return reshaped(GOOD["transpose"], [shape], [out], permutation=permutation)


def _transposed() -> Iterator[Case]:
    small = (1, 8, 12, 20)
    for permutation in ((0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3), (0, 2, 3, 1), (0, 3, 1, 2), (0, 3, 2, 1)):
        yield Case(name=f"transpose {permutation}", layer=transposed(small, permutation))
    two = (2, 8, 12, 20)
    yield Case(name="transpose of batch 2", layer=transposed(two, (0, 3, 2, 1)))
    for permutation in ((1, 0, 2, 3), (3, 1, 2, 0)):
        yield Case(name=f"transpose {permutation}", layer=transposed(small, permutation), refusal="with the batch first")
    short = changed(GOOD["transpose"], permutation=(0, 2, 1))
    yield Case(name="transpose of three", layer=short, refusal="of four dimensions")
    wrong = changed(transposed(small, (0, 3, 1, 2)), outputs={0: {"shape": (1, 20, 12, 8)}})
    yield Case(name="transpose to another shape", layer=wrong, refusal="where the permutation makes")
    yield Case(name="transpose of a huge map onto itself", layer=transposed((1, 2500, 5000, 64), (0, 1, 2, 3)))
    deep = transposed((1, DEEPEST + 8, 8, 2), (0, 2, 3, 1))
    yield Case(name="transpose of rows to channels", layer=deep, refusal=f"{DEEPEST + 8} channels of 1x8x2x{DEEPEST + 8}")
    still = replace(DEVICE, sram_bytes=0)
    yield Case(name="transpose that moves nothing", layer=transposed((1, 8, 1, 20), (0, 1, 2, 3)), device=still)
    yield from _transposition_bytes()
    yield from _weight_stripes()


def _transposition_bytes() -> Iterator[Case]:
    """The bytes by hand: bricks of 8x8x16, a stripe of weights for each bank, 4096 per bank."""
    # banks, channels of what moves -> bytes of weights: banks * up16(ceil(C/banks) * (ceil((1 + banks/8) * 9/8) + 55))
    stripes = {(16, 20): 16 * 128, (16, 12): 16 * 64, (16, 8): 16 * 64, (8, 20): 8 * 176, (8, 12): 8 * 128, (8, 8): 8 * 64}
    for banks, emcs in ((16, 2), (8, 1)):
        device = replace(DEVICE, engines=8, emcs_per_engine=emcs)
        once, again = 8 * 16 * 32, 4096 * banks
        needs = {
            (0, 2, 3, 1): once,
            (0, 3, 1, 2): once,
            (0, 2, 1, 3): 2 * once + stripes[banks, 20] + again,
            (0, 1, 3, 2): 2 * (16 * 24 * 16) + stripes[banks, 8] + again,
            (0, 3, 2, 1): 2 * (16 * 24 * 16) + stripes[banks, 8] + again,
        }
        for permutation, need in needs.items():
            one = transposed((1, 8, 12, 20), permutation)
            for sram, refusal in ((need, ""), (need - 1, f"needs {need} bytes of SRAM")):
                spare = replace(device, sram_bytes=sram)
                yield Case(
                    name=f"transpose {permutation} with {banks} banks in {sram}", layer=one, device=spare, refusal=refusal
                )


def _weight_stripes() -> Iterator[Case]:
    """16 output channels to a bank: 2 * 2048 bytes of map, 16 stripes and 4096 spare for each bank."""
    for engines, stripe in ((8, 58), (16, 59), (48, 63), (64, 66)):
        need = engines * (2 * 8 * 16 * 16 + 16 * stripe + 4096)
        one = transposed((1, 16 * engines, 8, 16), (0, 1, 3, 2))
        for sram, refusal in ((need, ""), (need - 1, f"needs {need} bytes of SRAM")):
            device = replace(DEVICE, engines=engines, emcs_per_engine=1, sram_bytes=sram)
            yield Case(name=f"transpose in {sram} bytes of {engines} banks", layer=one, device=device, refusal=refusal)


def _padded() -> Iterator[Case]:
    good = GOOD["pad"]
    for side in range(4):
        for most, refusal in ((7, ""), (8, "padding of 8 on a side")):
            padding = tuple(most if number == side else 0 for number in range(4))
            shape = (1, 16 + padding[0] + padding[1], 16 + padding[2] + padding[3], 32)
            yield Case(name=f"pad {padding}", layer=reshaped(good, [], [shape], padding=padding), refusal=refusal)
    for shape in ((1, 19, 23, 33), (1, 20, 23, 32), (1, 19, 22, 32)):
        yield Case(name=f"pad to {shape}", layer=reshaped(good, [], [shape]), refusal="where padding the map makes")


def _resized() -> Iterator[Case]:
    good = GOOD["resize"]
    for rows in (30, 31, 32, 33):
        refusal = "" if rows in (31, 32) else "2n or 2n-1"
        yield Case(name=f"resize to {rows} rows", layer=reshaped(good, [], [(1, rows, 32, 32)]), refusal=refusal)
        yield Case(name=f"resize to {rows} columns", layer=reshaped(good, [], [(1, 32, rows, 32)]), refusal=refusal)
    yield Case(name="resize to other channels", layer=reshaped(good, [], [(1, 32, 32, 31)]), refusal="2n or 2n-1")
    block = GOOD["depth_to_space"]
    three = reshaped(block, [(1, 16, 16, 36)], [(1, 48, 48, 4)])
    yield Case(name="depth to space by 3", layer=three, refusal="only 2 x 2")
