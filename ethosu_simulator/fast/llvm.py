"""The few pieces of LLVM that vector code is written with: loads and stores, splats, counted loops."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

LANES = 16
I8, I32, I64, F32 = ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.FloatType()
V16I8, V16I32, V16I64 = (ir.VectorType(kind, LANES) for kind in (I8, I32, I64))
V16F32, V64I8 = ir.VectorType(F32, LANES), ir.VectorType(I8, 64)


def pointer(builder: Any, address: Any, kind: Any) -> Any:
    """The address as a pointer to a kind of value."""
    return builder.inttoptr(address, kind.as_pointer())


def load(builder: Any, address: Any, kind: Any) -> Any:
    """The value of a kind at an address of any alignment."""
    return builder.load(pointer(builder, address, kind), align=1)


def store(builder: Any, value: Any, address: Any) -> None:
    """Stores a value at an address of any alignment."""
    builder.store(value, pointer(builder, address, value.type), align=1)


def splat(builder: Any, value: Any, lanes: int = LANES) -> Any:
    """A vector that holds the value in every lane."""
    kind = ir.VectorType(value.type, lanes)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))


def plus(builder: Any, address: Any, offset: Any) -> Any:
    """The address some bytes further."""
    return builder.add(address, offset if isinstance(offset, ir.Value) else I64(offset))


def declare(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    """The function of that name, declared once in a module."""
    module = builder.module
    found = module.globals.get(name)
    return found if found is not None else ir.Function(module, ir.FunctionType(result, arguments), name)


class Loop:
    """A counted loop with values carried around it: `values` inside, `results` after it."""

    def __init__(self, builder: Any, count: Any, carried: list[Any]) -> None:
        self._builder, self._count = builder, count
        before = builder.block
        self._body = builder.append_basic_block("loop")
        self._after = builder.append_basic_block("after")
        builder.cbranch(builder.icmp_signed(">", count, I64(0)), self._body, self._after)
        builder.position_at_end(self._body)
        self.index = builder.phi(I64)
        self.index.add_incoming(I64(0), before)
        self._initial, self._before = carried, before
        self.values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(self.values, carried, strict=True):
            phi.add_incoming(value, before)

    def close(self, carried: list[Any]) -> list[Any]:
        """Ends the loop's body with the next round's values; the values after the loop."""
        builder = self._builder
        end, following = builder.block, builder.add(self.index, I64(1))
        self.index.add_incoming(following, end)
        for phi, value in zip(self.values, carried, strict=True):
            phi.add_incoming(value, end)
        builder.cbranch(builder.icmp_signed("<", following, self._count), self._body, self._after)
        builder.position_at_end(self._after)
        results = []
        for first, value in zip(self._initial, carried, strict=True):
            phi = builder.phi(value.type)
            phi.add_incoming(first, self._before)
            phi.add_incoming(value, end)
            results.append(phi)
        return results
