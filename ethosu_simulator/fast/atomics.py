"""What threads that share steps need beside numba: atomic numbers, and ways to wait."""

from __future__ import annotations

import os
import platform
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ethosu_simulator.fast.llvm import I32, I64, declare, pointer

_IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
CAN_YIELD = os.name == "posix"


@intrinsic  # type: ignore[untyped-decorator]
def atomic_add(_typing: Any, address: Any, value: Any) -> Any:
    """The number at an address before `value` was added to it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", pointer(builder, arguments[0], I64), arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def atomic_read(_typing: Any, address: Any) -> Any:
    """The number at an address, with all that other threads wrote before it."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(pointer(builder, arguments[0], I64), "seq_cst", 8)

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def pause(_typing: Any) -> Any:
    """Tells the processor that this loop waits."""

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        if _IS_X86:
            builder.call(declare(builder, "llvm.x86.sse2.pause", ir.VoidType(), []), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic  # type: ignore[untyped-decorator]
def yield_thread(_typing: Any) -> Any:
    """Lets another thread have this processor."""

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        if CAN_YIELD:
            builder.call(declare(builder, "sched_yield", I32, []), [])
        return context.get_dummy_value()

    return types.void(), generate
