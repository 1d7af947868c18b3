"""Every intermediate value of a run: what each NPU operation wrote, as it wrote it, and every tensor of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ethosu_simulator.machine import Machine
from ethosu_simulator.npu import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ethosu_simulator.arena import Arena
    from ethosu_simulator.container import Tensor
    from ethosu_simulator.inference import Cpu
    from ethosu_simulator.model import Model
    from ethosu_simulator.npu_operator import NpuOperator
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


class _Observer:
    """Interprets NPU operators and tells of each operation and each tensor."""

    def __init__(self, see: Callable[[int, Executed, Array | None], None], made: Callable[[Tensor, Array], None]) -> None:
        self._see, self.made = see, made

    def execute(self, number: int, operator: NpuOperator, inputs: Sequence[Array], arena: Arena) -> list[Array]:
        machine = operator.machine(inputs, _Recording, arena)
        assert isinstance(machine, _Recording)
        run(machine, operator.operations, _Listener(machine, lambda executed, written: self._see(number, executed, written)))
        return operator.results(machine)


def observe(
    model: Model,
    inputs: Sequence[Array],
    see: Callable[[int, Executed, Array | None], None],
    *,
    made: Callable[[Tensor, Array], None] = lambda _tensor, _values: None,
    cpu: Cpu | None = None,
) -> list[Array]:
    """What `model.run(inputs, cpu=cpu)` returns.

    `see(number, executed, written)` is called after every operation of NPU operator `number`, from 1, with its output, None for
    a DMA: the operation's own [height, width, depth] of its OFM's dtype, before transposition, which must not be changed.
    `made(tensor, values)` is called for each tensor that an operator of the file has written.
    """
    return model.watch(inputs, _Observer(see, made), cpu)
