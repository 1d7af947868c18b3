"""A program that runs: tensors in, tensors out; every delegate on the simulated NPU, each in scratch of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ethosu_simulator.arena import check_input, check_size, tensor_of
from ethosu_simulator.container import Operator, Tensor
from ethosu_simulator.errors import ContainerError, NotModelled
from ethosu_simulator.inference import run_stream
from ethosu_simulator.model import Model
from ethosu_simulator.npu_operator import NpuOperator
from ethosu_simulator.pte.kernels import KERNELS, Argument
from ethosu_simulator.pte.vela_blob import parse_blob

if TYPE_CHECKING:
    from ethosu_simulator.inference import Cpu, Watcher
    from ethosu_simulator.limits import Limits
    from ethosu_simulator.pte.program_file import ProgramFile, PteTensor, Step
    from ethosu_simulator.trace import Executed

Array = NDArray[Any]
BACKEND = "EthosUBackend"


class Program(Model):
    """An ExecuTorch program with delegates for the NPU, run as a model is.

    `inputs` and `outputs` are the method's, in logical order of their axes; `signature` is the method. `cpu` runs kernels
    other than quantize and dequantize, which are run here.
    """

    def __init__(self, file: ProgramFile, limits: Limits) -> None:
        self.signature, self.signatures, self.keeps_state = file.method, file.methods, False
        self.file = file
        for value in file.tensors.values():
            check_size(value.tensor, limits)
        self.inputs: tuple[Tensor, ...] = tuple(file.tensors[number].tensor for number in file.inputs)
        self.outputs: tuple[Tensor, ...] = tuple(file.tensors[number].tensor for number in file.outputs)
        self._constants = frozenset(number for number, value in file.tensors.items() if value.tensor.data)
        self.delegates = {number: _delegate(file, number, limits) for number in _used(file.steps)}
        self.operators: tuple[NpuOperator | Operator, ...] = tuple(
            self._operator(step, position) for position, step in enumerate(file.steps) if not step.moves
        )
        if not self.delegates:
            raise ContainerError(f"no delegate of {BACKEND} in the program: expected one lowered for Ethos-U")

    def _operator(self, step: Step, position: int) -> NpuOperator | Operator:
        if step.delegate >= 0:
            return self.delegates[step.delegate]
        *inputs, out = step.arguments or (-1,)
        return Operator(name=step.kernel, inputs=tuple(inputs), outputs=(out,), position=position)

    @property
    def cpu_operators(self) -> tuple[Operator, ...]:
        """The kernels that `run` hands to `cpu`."""
        return tuple(one for one in self.operators if isinstance(one, Operator) and one.name not in KERNELS)

    @property
    def on_the_cpu(self) -> tuple[Operator, ...]:
        """Every kernel of the program, those that are run here too."""
        return tuple(one for one in self.operators if isinstance(one, Operator))

    def compiled_with(self, stream: NpuOperator) -> Mapping[str, str]:
        """What the file says of how a delegate was compiled."""
        numbers = [number for number, operator in self.delegates.items() if operator is stream]
        return self.file.delegates[numbers[0]].specs

    def outputs_of(self, operator: Operator) -> tuple[Tensor, ...]:
        """The tensors that `cpu` has to give for a kernel."""
        return tuple(self.file.tensors[index].tensor for index in operator.outputs if index in self.file.tensors)

    def reset(self) -> None:
        """Nothing is kept between runs."""

    def _run(
        self, inputs: Sequence[Array], trace: list[Executed] | None, cpu: Cpu | None, watcher: Watcher | None
    ) -> list[Array]:
        self._check(inputs, cpu)
        values = {tensor.index: given for tensor, given in zip(self.inputs, inputs, strict=True)}
        number = 0
        for position, step in enumerate(self.file.steps):
            if step.moves:
                values[step.arguments[1]] = self._value(step.arguments[0], values)
            elif step.delegate >= 0:
                number += 1
                self._on_npu(step, number, values, trace, watcher)
            else:
                self._on_cpu(step, position, values, cpu, watcher)
        return [self._value(tensor.index, values) for tensor in self.outputs]

    def _check_cpu(self, cpu: Cpu | None) -> None:
        if cpu is None:
            raise NotModelled(self.cpu_operators[0].name, "a kernel of ExecuTorch: `cpu=` runs what is not the NPU's")

    def _value(self, index: int, values: dict[int, Array]) -> Array:
        if index in values:
            return values[index]
        known = self.file.tensors.get(index)
        if known is None or not known.tensor.data:
            raise ContainerError(f"value {index} is read before anything wrote it")
        data = np.frombuffer(known.tensor.data, np.uint8, known.tensor.size_bytes)
        return _logical(tensor_of(_in_memory(known), data), known)

    def _on_npu(
        self, step: Step, number: int, values: dict[int, Array], trace: list[Executed] | None, watcher: Watcher | None
    ) -> None:
        operator = self.delegates[step.delegate]
        places, known = (*operator.inputs, *operator.outputs), self.file.tensors
        if len(step.arguments) != len(places):
            raise ContainerError(f"a delegate called with {len(step.arguments)} values: expected {len(places)}")
        for index, place in zip(step.arguments, places, strict=True):
            if index not in known or known[index].tensor.size_bytes != place.size_bytes:
                raise ContainerError(f"a delegate called with value {index} for `{place.name}` of {place.size_bytes} bytes")
        taken, given = step.arguments[: len(operator.inputs)], step.arguments[len(operator.inputs) :]
        inputs = [
            np.ascontiguousarray(_physical(self._value(index, values), known[index])).view(place.dtype).reshape(place.shape)
            for index, place in zip(taken, operator.inputs, strict=True)
        ]
        outputs = run_stream(operator, number, inputs, None, trace, watcher)
        for index, found in zip(given, outputs, strict=True):
            memory = _in_memory(known[index])
            values[index] = _logical(np.ascontiguousarray(found).view(memory.dtype).reshape(memory.shape), known[index])
            if watcher is not None:
                watcher.made(known[index].tensor, values[index])

    def _on_cpu(self, step: Step, position: int, values: dict[int, Array], cpu: Cpu | None, watcher: Watcher | None) -> None:
        *taken, out = step.arguments or (-1,)
        if out not in self.file.tensors:
            raise NotModelled(step.kernel, "a kernel whose result is no tensor")
        tensor = self.file.tensors[out].tensor
        arguments = [self._argument(index, values) for index in taken]
        if step.kernel in KERNELS:
            made = KERNELS[step.kernel](arguments, tensor)
        else:
            assert cpu is not None  # _check_cpu
            operator = Operator(name=step.kernel, inputs=tuple(taken), outputs=(out,), position=position)
            (made,) = cpu(operator, [one if isinstance(one, np.ndarray) else None for one in arguments])
        check_input(tensor, made)
        values[out] = made
        if watcher is not None:
            watcher.made(tensor, made)

    def _argument(self, index: int, values: dict[int, Array]) -> Argument:
        if index in self.file.scalars:
            return self.file.scalars[index]
        return self._value(index, values) if index in values or index in self._constants else None


def _used(steps: Sequence[Step]) -> list[int]:
    return sorted({step.delegate for step in steps if step.delegate >= 0})


def _delegate(file: ProgramFile, number: int, limits: Limits) -> NpuOperator:
    delegate = file.delegates[number]
    if delegate.backend != BACKEND:
        raise NotModelled("program", f"a delegate of {delegate.backend}; only those of {BACKEND} run here")
    container = parse_blob(delegate.blob, file.named, limits)
    return NpuOperator(container, container.operators[0], limits)


def _in_memory(known: PteTensor) -> Tensor:
    """The tensor as its bytes lie: axes from the outermost to the innermost."""
    return replace(known.tensor, shape=tuple(known.tensor.shape[axis] for axis in known.order))


def _physical(values: Array, known: PteTensor) -> Array:
    turned: Array = values.transpose(known.order)
    return turned


def _logical(values: Array, known: PteTensor) -> Array:
    back = sorted(range(len(known.order)), key=lambda place: known.order[place])
    return np.ascontiguousarray(values.transpose(back))
