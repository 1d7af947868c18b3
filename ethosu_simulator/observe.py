"""Every intermediate value of an `ethos-u` operator: what each operation wrote, as it wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ethosu_simulator.machine import Machine
from ethosu_simulator.npu import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ethosu_simulator.model import NpuOperator
    from ethosu_simulator.operands import Output
    from ethosu_simulator.trace import Executed

Array = NDArray[Any]


class _Recording(Machine):
    """A machine that keeps what the operation in hand has written, [height, width, depth] before any transposition."""

    written: Array | None = None

    def store(self, output: Output, values: Array) -> None:
        self.written = values
        super().store(output, values)


class _Listener(list["Executed"]):
    """A trace that hands on each operation with what it wrote, and keeps nothing."""

    def __init__(self, machine: _Recording, see: Callable[[Executed, Array | None], None]) -> None:
        super().__init__()
        self._machine, self._see = machine, see

    def append(self, executed: Executed) -> None:
        written, self._machine.written = self._machine.written, None
        self._see(executed, written)


def observe(operator: NpuOperator, inputs: Sequence[Array], see: Callable[[Executed, Array | None], None]) -> list[Array]:
    """What `operator.run(inputs)` returns; `see` is called after every operation with its output, None for a DMA.

    The array is the operation's own [height, width, depth] of its OFM's dtype, before transposition, and must not be changed.
    """
    memory = operator._memory()
    operator._store(memory, inputs)
    machine = _Recording(operator.config, memory, operator._kernels, operator._limits)
    run(machine, operator.operations, _Listener(machine, see))
    return operator._load(memory)
