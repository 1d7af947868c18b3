"""One inference: the operators of a file in order, tensors in the arena or beside it, and the state that outlives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.arena import Arena, bytes_of, new_arena, tensor_of
from ethosu_simulator.container import Operator, Tensor
from ethosu_simulator.errors import ContainerError, InputError, NotModelled
from ethosu_simulator.npu_operator import NpuOperator

if TYPE_CHECKING:
    from ethosu_simulator.trace import Executed

Array = NDArray[Any]
Cpu = Callable[[Operator, Sequence["Array | None"]], Sequence[Array]]
"""Runs an operator that Vela left to the CPU: its outputs for its inputs, constants among them, None where one is left out.

One that keeps state of its own has a method `reset` too.
"""
BRANCHING = ("IF", "WHILE")
OWN = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
"""Operators that move state and compute nothing: run here, whoever runs the CPU's."""


class Watcher(Protocol):
    """Sees a run from inside."""

    def execute(self, number: int, operator: NpuOperator, inputs: Sequence[Array], arena: Arena) -> list[Array]:
        """The outputs of NPU operator `number`, from 1, which it runs its own way."""

    def made(self, tensor: Tensor, values: Array) -> None:
        """An operator has written this tensor."""


@dataclass
class State:
    """What lives on between runs of a model that keeps anything: arena, resource variables, and what ran once."""

    arena: Arena
    variables: dict[str, Array] = field(default_factory=dict)
    done_once: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Graph:
    """A subgraph that runs: its tensors, its operators, and which tensors are kept outside the arena."""

    tensors: tuple[Tensor, ...]
    operators: tuple[NpuOperator | Operator, ...]
    outside: frozenset[int]


@dataclass(kw_only=True)
class Inference:
    """A run of one subgraph; `number` counts the NPU operators that are done."""

    graph: Graph
    state: State
    called: dict[int, Graph]
    trace: list[Executed] | None = None
    cpu: Cpu | None = None
    watcher: Watcher | None = None
    number: int = 0
    _values: dict[int, Array] = field(default_factory=dict)
    _handles: dict[int, str] = field(default_factory=dict)

    def put(self, tensor: Tensor, values: Array) -> None:
        """Writes a tensor to its place."""
        if self._in_arena(tensor):
            self.state.arena.store(tensor, values)
        else:
            bytes_of(tensor, values)
            self._values[tensor.index] = values

    def value(self, tensor: Tensor) -> Array:
        """A tensor as it is now; ContainerError when nothing wrote it and it has no place where something may have."""
        if tensor.data:
            return tensor_of(tensor, np.frombuffer(tensor.data, np.uint8))
        if self._in_arena(tensor):
            return self.state.arena.load(tensor)
        if tensor.index in self._values:
            return self._values[tensor.index]
        if tensor.is_variable:
            return first_value(tensor)
        raise ContainerError(f"tensor {tensor.index} `{tensor.name}` is read before anything wrote it")

    def _in_arena(self, tensor: Tensor) -> bool:
        return tensor.offset >= 0 and not tensor.data and tensor.index not in self.graph.outside

    def run(self) -> None:
        """Does every operator in order."""
        for operator in self.graph.operators:
            if isinstance(operator, NpuOperator):
                self._on_npu(operator)
            elif operator.name in OWN:
                self._own(operator)
            else:
                self._on_cpu(operator)

    def _on_npu(self, operator: NpuOperator) -> None:
        self.number += 1
        inputs, arena = [self.value(tensor) for tensor in operator.inputs], self.state.arena
        outputs = run_stream(operator, self.number, inputs, arena, self.trace, self.watcher)
        for tensor, values in zip(operator.outputs, outputs, strict=True):
            self._took(tensor, values, store=tensor.index in operator.outside)

    def _on_cpu(self, operator: Operator) -> None:
        if self.cpu is None:
            raise not_for_the_npu(operator)
        tensors = [None if index < 0 else self.graph.tensors[index] for index in operator.inputs]
        results = self.cpu(operator, [None if tensor is None else self.value(tensor) for tensor in tensors])
        if len(results) != len(operator.outputs):
            raise InputError(f"`cpu` gave {len(results)} outputs of {operator.name}: expected {len(operator.outputs)}")
        for index, values in zip(operator.outputs, results, strict=True):
            if index >= 0:
                self._took(self.graph.tensors[index], values)

    def _took(self, tensor: Tensor, values: Array, *, store: bool = True) -> None:
        if store:
            self.put(tensor, values)
        if self.watcher is not None:
            self.watcher.made(tensor, values)

    def _own(self, operator: Operator) -> None:
        if operator.name == "CALL_ONCE":
            self._once(operator.subgraphs[0])
        elif operator.name == "VAR_HANDLE":
            self._handles[_only(operator.outputs, operator)] = operator.variable
        elif operator.name == "READ_VARIABLE":
            target = self.graph.tensors[_only(operator.outputs, operator)]
            self._took(target, self._variable(operator, target))
        else:
            _handle, source = self._two(operator)
            self.state.variables[self._name(operator)] = self.value(self.graph.tensors[source]).copy()

    def _variable(self, operator: Operator, target: Tensor) -> Array:
        """A resource variable; before anything assigned it what a variable starts with."""
        held = self.state.variables.get(self._name(operator))
        return first_value(target) if held is None else held

    def _name(self, operator: Operator) -> str:
        handle = operator.inputs[0] if operator.inputs else -1
        if handle not in self._handles:
            raise ContainerError(f"{operator.name} of tensor {handle}: expected the handle of a variable")
        return self._handles[handle]

    @staticmethod
    def _two(operator: Operator) -> tuple[int, int]:
        if len(operator.inputs) != 2 or min(operator.inputs) < 0:
            raise ContainerError(f"{operator.name} with inputs {operator.inputs}: expected a handle and a value")
        return operator.inputs[0], operator.inputs[1]

    def _once(self, number: int) -> None:
        """Runs a subgraph without inputs, if it has not run since the state was reset."""
        if number in self.state.done_once:
            return
        self.state.done_once.add(number)
        begun = Inference(
            graph=self.called[number],
            state=self.state,
            called=self.called,
            trace=self.trace,
            cpu=self.cpu,
            watcher=self.watcher,
            number=self.number,
        )
        begun.run()
        self.number = begun.number


def first_value(tensor: Tensor) -> Array:
    """What a variable holds before anything wrote it."""
    return tensor_of(tensor, np.full(tensor.size_bytes, tensor.start_byte, np.uint8))


def _only(indices: tuple[int, ...], operator: Operator) -> int:
    if len(indices) != 1 or indices[0] < 0:
        raise ContainerError(f"{operator.name} with outputs {indices}: expected one")
    return indices[0]


def run_stream(
    operator: NpuOperator,
    number: int,
    inputs: Sequence[Array],
    arena: Arena | None,
    trace: list[Executed] | None,
    watcher: Watcher | None,
) -> list[Array]:
    """The outputs of NPU operator `number` of a file, from 1, which `trace` and `watcher` see; without an arena in its own."""
    if watcher is not None:
        return watcher.execute(number, operator, inputs, arena or new_arena(*operator.arena_sizes))
    done: list[Executed] | None = None if trace is None else []
    outputs = operator.run(inputs, done, arena)
    if trace is not None and done is not None:
        trace.extend(done if number == 1 else [replace(one, stream=number) for one in done])
    return outputs


def not_for_the_npu(operator: Operator) -> NotModelled:
    """The refusal of an operator that nobody here runs."""
    if operator.name in BRANCHING:
        return NotModelled(operator.name, "an operator that chooses between subgraphs while it runs")
    return NotModelled(operator.name, "an operator that Vela left to the CPU")
