"""The few vector instructions that compiled loops cannot be trusted to find: numba intrinsics, written as LLVM vectors.

Addresses are plain integers, checked when the step was made. Two forms of the product, chosen by what numba compiles for:

| form | a group of 4 bytes | exact because |
|---|---|---|
| `BYTES` (AVX-512 VNNI) | 4 unsigned bytes times 4 signed bytes, summed in 32 bits | `255 * sum(abs(weights))` < 2**31 |
| `FLOATS` (any processor) | one float32 times one float32, fused | `max(abs(ifm)) * sum(abs(weights))` < 2**24 |

Both bounds are checked for each kernel before it is used (products.py).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import raw_memcpy
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from ethosu_simulator.fast.llvm import (
    F32,
    I8,
    I32,
    I64,
    LANES,
    V16F32,
    V16I8,
    V16I32,
    V16I64,
    V64I8,
    Loop,
    declare,
    load,
    plus,
    pointer,
    splat,
    store,
)  # fmt: skip
from ethosu_simulator.jit import PORTABLE

if TYPE_CHECKING:
    from collections.abc import Callable

_FIXED = bool(os.environ.get("NUMBA_CPU_NAME") or os.environ.get("NUMBA_CPU_FEATURES"))
_FEATURES = frozenset(() if _FIXED else get_host_cpu_features().split(","))
_WIDE = "+avx512bw" in _FEATURES and not PORTABLE
_TABLES_IN_REGISTERS = "+avx512vbmi" in _FEATURES and not PORTABLE

BYTES = "+avx512vnni" in _FEATURES and _WIDE and not PORTABLE
PIXELS, VECTORS = (8, 3) if _WIDE else (4, 1)  # output pixels and groups of 16 channels held in registers
ELEMENT_BYTES = 1 if BYTES else 4  # of an input element as the products read it


def _multiply_add(builder: Any, acc: Any, group: Any, weights: Any) -> Any:
    """The accumulators plus one group of input elements (a scalar of 4 bytes) times 16 groups of weights."""
    if BYTES:
        function = declare(builder, "llvm.x86.avx512.vpdpbusd.512", V16I32, [V16I32, V16I32, V16I32])
        return builder.call(function, [acc, splat(builder, group), weights])
    function = declare(builder, "llvm.fma.v16f32", V16F32, [V16F32, V16F32, V16F32])
    return builder.call(function, [splat(builder, group), weights, acc])


def _as_integers(builder: Any, acc: Any) -> Any:
    return acc if acc.type == V16I32 else builder.fptosi(acc, V16I32)


def _make_products(pixels: int, vectors: int) -> Callable[..., None]:
    group_kind, acc_kind = (I32, V16I32) if BYTES else (F32, V16F32)

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        inputs, pixel_step, runs, run_count, groups, weights, out = arguments
        zero = ir.Constant(acc_kind, [0] * LANES)
        outer = Loop(builder, run_count, [weights] + [zero] * (pixels * vectors))
        offset = load(builder, plus(builder, runs, builder.mul(outer.index, I64(8))), I64)
        start = plus(builder, inputs, offset)
        starts = [plus(builder, start, builder.mul(pixel_step, I64(m))) for m in range(pixels)]
        inner = Loop(builder, groups, outer.values)
        at, accs = inner.values[0], inner.values[1:]
        step = builder.mul(inner.index, I64(4))
        rows = [load(builder, plus(builder, at, 64 * n), acc_kind) for n in range(vectors)]
        following = []
        for m in range(pixels):
            group = load(builder, plus(builder, starts[m], step), group_kind)
            following += [_multiply_add(builder, accs[m * vectors + n], group, rows[n]) for n in range(vectors)]
        done = inner.close([plus(builder, at, 64 * vectors), *following])
        _at, *accs = outer.close(done)
        for index, acc in enumerate(accs):
            store(builder, _as_integers(builder, acc), plus(builder, out, 64 * index))
        return _context.get_dummy_value()

    @intrinsic  # type: ignore[untyped-decorator]
    def products(
        _typing: Any, inputs: Any, pixel_step: Any, runs: Any, run_count: Any, groups: Any, weights: Any, out: Any
    ) -> Any:
        """Writes int32 [pixels, vectors, 16] to `out`: sums over runs of groups of the inputs times the weights."""
        return types.void(*[types.int64] * 7), generate

    function: Callable[..., None] = products
    return function


products_tile = [_make_products(PIXELS, n + 1) for n in range(VECTORS)]
products_pixel = [_make_products(1, n + 1) for n in range(VECTORS)]


@intrinsic  # type: ignore[untyped-decorator]
def depthwise_tile(_typing: Any, inputs: Any, pixel_step: Any, taps: Any, tap_count: Any, weights: Any, out: Any) -> Any:
    """Writes int32 [PIXELS, 16] to `out`: each channel's sum over the taps; weights [taps, 16] int32 or float32."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        inputs, pixel_step, taps, tap_count, weights, out = arguments
        kind = V16I32 if BYTES else V16F32
        loop = Loop(builder, tap_count, [ir.Constant(kind, [0] * LANES)] * PIXELS)
        offset = load(builder, plus(builder, taps, builder.mul(loop.index, I64(8))), I64)
        row = load(builder, plus(builder, weights, builder.mul(loop.index, I64(64))), kind)
        start, following = plus(builder, inputs, offset), []
        for m, acc in enumerate(loop.values):
            at = plus(builder, start, builder.mul(pixel_step, I64(m)))
            if BYTES:
                product = builder.mul(builder.zext(load(builder, at, V16I8), V16I32), row)
                following.append(builder.add(acc, product))
            else:
                function = declare(builder, "llvm.fma.v16f32", V16F32, [V16F32, V16F32, V16F32])
                following.append(builder.call(function, [load(builder, at, V16F32), row, acc]))
        for m, acc in enumerate(loop.close(following)):
            store(builder, _as_integers(builder, acc), plus(builder, out, 64 * m))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), generate


def _copy16(wide: bool) -> Callable[..., None]:
    @intrinsic  # type: ignore[untyped-decorator]
    def copy(_typing: Any, target: Any, source: Any, flip: Any) -> Any:
        """Copies 16 elements of one byte, each flipped by `flip` (0x80 turns signed into unsigned plus 128)."""

        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            target, source, flip = arguments
            flips = splat(builder, builder.trunc(flip, I8))
            value = builder.xor(load(builder, source, V16I8), flips)
            if wide and not BYTES:  # float32 of the signed value
                value = builder.sub(builder.zext(value, V16I32), builder.zext(flips, V16I32))
                value = builder.sitofp(value, V16F32)
            store(builder, value, target)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 3), generate

    function: Callable[..., None] = copy
    return function


copy_bytes = _copy16(wide=False)
copy_elements = _copy16(wide=True)


@intrinsic  # type: ignore[untyped-decorator]
def copy_block(_typing: Any, target: Any, source: Any, length: Any) -> Any:
    """Copies bytes between places that do not overlap."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        target, source, length = arguments
        raw_memcpy(builder, pointer(builder, target, I8), pointer(builder, source, I8), length, 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


def _table_of(builder: Any, table: Any) -> Callable[[Any], Any]:
    """A function: 16 bytes -> the bytes of a table of 256 at those places."""
    if not _TABLES_IN_REGISTERS:

        def one_by_one(index: Any) -> Any:
            value = ir.Constant(V16I8, ir.Undefined)
            for lane in range(LANES):
                at = builder.zext(builder.extract_element(index, I32(lane)), I64)
                value = builder.insert_element(value, load(builder, builder.add(table, at), I8), I32(lane))
            return value

        return one_by_one
    parts = [load(builder, plus(builder, table, 64 * i), V64I8) for i in range(4)]
    function = declare(builder, "llvm.x86.avx512.vpermi2var.qi.512", V64I8, [V64I8, V64I8, V64I8])
    undefined = ir.Constant(V16I8, ir.Undefined)

    def permuted(index: Any) -> Any:
        spread = builder.shuffle_vector(index, undefined, ir.Constant(ir.VectorType(I32, 64), [i % LANES for i in range(64)]))
        halves = [builder.call(function, [parts[i], spread, parts[i + 1]]) for i in (0, 2)]
        firsts = ir.Constant(V16I32, list(range(LANES)))
        low, high = (builder.shuffle_vector(half, ir.Constant(V64I8, ir.Undefined), firsts) for half in halves)
        return builder.select(builder.icmp_signed("<", index, ir.Constant(V16I8, [0] * LANES)), high, low)

    return permuted


@intrinsic  # type: ignore[untyped-decorator]
def map_row(
    _typing: Any, target: Any, target_step: Any, source: Any, source_step: Any, count: Any, table: Any, flip: Any
) -> Any:
    """Writes `table[byte ^ flip]` for `count` groups of 16 bytes that lie `step` apart."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        target, target_step, source, source_step, count, table, flip = arguments
        look_up, flips = _table_of(builder, table), splat(builder, builder.trunc(flip, I8))
        loop = Loop(builder, count, [target, source])
        to, at = loop.values
        store(builder, look_up(builder.xor(load(builder, at, V16I8), flips)), to)
        loop.close([builder.add(to, target_step), builder.add(at, source_step)])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), generate


PARAMETER_BYTES = 64 * 5 + 128 * 2  # bias, scale, second shift, half, adjustment (int32), first shift, its half (int64)


def _requantise(with_table: bool) -> Callable[..., None]:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        acc, acc_step, count, parameters, zero, low, high, table, target, target_step = arguments
        bias, scale, second, half, adjust = (load(builder, plus(builder, parameters, 64 * i), V16I32) for i in range(5))
        first, first_half = (load(builder, plus(builder, parameters, 320 + 128 * i), V16I64) for i in range(2))
        scale = builder.sext(scale, V16I64)
        zeros, lows, highs = (splat(builder, builder.trunc(value, I32)) for value in (zero, low, high))
        look_up = _table_of(builder, table) if with_table else None
        loop = Loop(builder, count, [acc, target])
        at, to = loop.values
        value = builder.add(load(builder, at, V16I32), bias)
        product = builder.mul(builder.sext(value, V16I64), scale)
        value = builder.trunc(builder.ashr(builder.add(product, first_half), first), V16I32)
        away = builder.and_(builder.ashr(value, ir.Constant(V16I32, [31] * LANES)), adjust)
        value = builder.ashr(builder.add(builder.add(value, half), away), second)
        value = builder.add(value, zeros)
        value = builder.select(builder.icmp_signed("<", value, lows), lows, value)
        value = builder.select(builder.icmp_signed(">", value, highs), highs, value)
        value = builder.trunc(value, V16I8)
        store(builder, look_up(value) if look_up is not None else value, to)
        loop.close([builder.add(at, acc_step), builder.add(to, target_step)])
        return context.get_dummy_value()

    @intrinsic  # type: ignore[untyped-decorator]
    def requantise(
        _typing: Any, acc: Any, acc_step: Any, count: Any, parameters: Any, zero: Any, low: Any, high: Any, table: Any,
        target: Any, target_step: Any,
    ) -> Any:  # fmt: skip
        """Turns `count` times 16 int32 accumulators into 16 output bytes; `table` is indexed by the byte's bits."""
        return types.void(*[types.int64] * 10), generate

    function: Callable[..., None] = requantise
    return function


requantise_plain = _requantise(with_table=False)
requantise_table = _requantise(with_table=True)
