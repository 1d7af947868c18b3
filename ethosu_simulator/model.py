"""A compiled model that runs: tensors in, tensors out, in one arena; every `ethos-u` operator on the simulated NPU."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ethosu_simulator.arena import check_input, check_size, new_arena
from ethosu_simulator.command_stream import MAX_WORDS
from ethosu_simulator.container import Container, Operator, Tensor
from ethosu_simulator.errors import ContainerError, InputError, StreamError
from ethosu_simulator.inference import BRANCHING, OWN, Cpu, Graph, Inference, State, Watcher, not_for_the_npu
from ethosu_simulator.limits import Limits
from ethosu_simulator.npu_operator import NPU_OPERATOR, NpuOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethosu_simulator.trace import Executed

Array = NDArray[Any]


class Model:
    """A file that Vela compiled. `signature` is the part of it that runs, `signatures` names every part that could."""

    def __init__(self, container: Container, limits: Limits) -> None:
        self.inputs: tuple[Tensor, ...] = tuple(_tensor(container, i) for i in container.inputs)
        self.outputs: tuple[Tensor, ...] = tuple(_tensor(container, i) for i in container.outputs)
        self.signature, self.signatures = container.signature, container.signatures
        for tensor in (*self.inputs, *self.outputs):
            check_size(tensor, limits)
        _check_streams(container)
        self._graph = _graph(container, limits)
        self._limits = limits
        self._called = {number: _graph(called, limits) for number, called in container.called.items()}
        self.operators: tuple[NpuOperator | Operator, ...] = self._graph.operators
        streams = [operator for operator in self.operators if isinstance(operator, NpuOperator)]
        if not streams:
            raise ContainerError("no ethos-u operator in the file: expected a model that Vela compiled for the NPU")
        everything = [*streams, *(one for graph in self._called.values() for one in graph.operators)]
        sizes = [operator.arena_sizes for operator in everything if isinstance(operator, NpuOperator)]
        self._sizes = max(main for main, _ in sizes), max(fast for _, fast in sizes)
        self._variables = tuple(t for t in container.tensors if t.is_variable and t.offset >= 0 and not t.data)
        self.keeps_state = any(t.is_variable for t in container.tensors) or any(
            operator.name in OWN for operator in container.operators
        )
        """True when a run depends on the ones before it."""
        self._state: State | None = None
        self._turn = threading.Lock()

    @cached_property
    def cpu_operators(self) -> tuple[Operator, ...]:
        """The operators that `run` hands to `cpu`."""
        found = [*self.operators, *(operator for graph in self._called.values() for operator in graph.operators)]
        return tuple(one for one in found if not isinstance(one, NpuOperator) and one.name not in OWN)

    @property
    def on_the_cpu(self) -> tuple[Operator, ...]:
        """The operators that a board's CPU does, whoever runs them here."""
        return self.cpu_operators

    def outputs_of(self, operator: Operator) -> tuple[Tensor, ...]:
        """The tensors that `cpu` has to give for an operator, in its order: name, shape, dtype."""
        tensors = self._called.get(operator.graph, self._graph).tensors
        return tuple(tensors[index] for index in operator.outputs if index >= 0)

    def run(self, inputs: Sequence[Array], trace: list[Executed] | None = None, cpu: Cpu | None = None) -> list[Array]:
        """The outputs in subgraph order for inputs in subgraph order; operations done are appended to `trace`.

        `cpu(operator, inputs)` runs what Vela left to the CPU; without it such a file is NotModelled. Variables live on between
        runs until `reset`.
        """
        return self._run(inputs, trace, cpu, None)

    def watch(self, inputs: Sequence[Array], watcher: Watcher, cpu: Cpu | None = None) -> list[Array]:
        """What `run` returns, with every NPU operator done by `watcher`, which sees each tensor that is written."""
        return self._run(inputs, None, cpu, watcher)

    def reset(self) -> None:
        """Variables are back at their first value: the zero point of int8, else 0; the state of `cpu` goes at the next run."""
        with self._turn:
            self._state = None

    def _run(
        self, inputs: Sequence[Array], trace: list[Executed] | None, cpu: Cpu | None, watcher: Watcher | None
    ) -> list[Array]:
        self._check(inputs, cpu)
        if not self.keeps_state:
            (operator, *others) = self.operators
            if watcher is None and not others and isinstance(operator, NpuOperator) and self._plain(operator):
                return operator.run(inputs, trace)
            return self._inference(State(new_arena(*self._sizes)), inputs, trace, cpu, watcher)
        with self._turn:
            if self._state is None:
                self._state = self._first_state(cpu)
            return self._inference(self._state, inputs, trace, cpu, watcher)

    def _plain(self, operator: NpuOperator) -> bool:
        """Whether the operator's inputs and outputs are the model's, one by one: then it needs no arena kept for it."""
        return operator.alone and operator.inputs == self.inputs and operator.outputs == self.outputs

    def _inference(
        self, state: State, inputs: Sequence[Array], trace: list[Executed] | None, cpu: Cpu | None, watcher: Watcher | None
    ) -> list[Array]:
        one = Inference(graph=self._graph, state=state, called=self._called, trace=trace, cpu=cpu, watcher=watcher)
        for tensor, values in zip(self.inputs, inputs, strict=True):
            one.put(tensor, values)
        one.run()
        return [one.value(tensor) for tensor in self.outputs]

    def _check(self, inputs: Sequence[Array], cpu: Cpu | None) -> None:
        """Refuses before anything runs what could not end well."""
        if len(inputs) != len(self.inputs):
            raise InputError(f"{len(inputs)} inputs: expected {len(self.inputs)}")
        for tensor, values in zip(self.inputs, inputs, strict=True):
            check_input(tensor, values)
        if self.cpu_operators:
            self._check_cpu(cpu)

    def _check_cpu(self, cpu: Cpu | None) -> None:
        """Refuses operators that nobody runs, and outputs that no array could hold."""
        left = sorted(self.cpu_operators, key=lambda operator: operator.name not in BRANCHING)
        if cpu is None or left[0].name in BRANCHING:
            raise not_for_the_npu(left[0])
        for operator in left:
            for tensor in self.outputs_of(operator):
                check_size(tensor, self._limits)

    def _first_state(self, cpu: Cpu | None) -> State:
        state, reset = State(new_arena(*self._sizes)), getattr(cpu, "reset", None)
        for tensor in self._variables:
            state.arena.main[tensor.offset : tensor.offset + tensor.size_bytes] = tensor.start_byte
        if reset is not None:
            reset()
        return state


def _tensor(container: Container, index: int) -> Tensor:
    if index < 0:
        raise ContainerError("a graph with an input or output left out: expected tensors")
    return container.tensors[index]


def _graph(container: Container, limits: Limits) -> Graph:
    operators = tuple(
        NpuOperator(container, operator, limits) if operator.name == NPU_OPERATOR else operator
        for operator in container.operators
    )
    outside = frozenset[int]().union(*(one.outside for one in operators if isinstance(one, NpuOperator)))
    return Graph(container.tensors, operators, outside)


def _check_streams(container: Container) -> None:
    """Refuses a file whose operators name the same long stream many times."""
    streams = [operator.inputs[0] for operator in container.operators if operator.name == NPU_OPERATOR and operator.inputs]
    total = sum(len(container.tensors[index].data) for index in streams if index >= 0)
    if total > 4 * MAX_WORDS:
        raise StreamError(f"{len(streams)} command streams of {total} bytes together: expected at most {4 * MAX_WORDS}")
