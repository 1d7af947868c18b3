"""A TFLite graph as the layers that a rule set is asked about.

As Arm NN's delegate and its optimiser see it: shapes in four dimensions, a PAD folded into the convolution behind it, and a
fused activation as a layer of its own. An operator that has no such layer carries the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from conversion.rules.clamps import CLAMPS, clamp_bounds
from conversion.rules.layer import Layer, LayerOptions
from conversion.rules.operators import LOWERINGS, NEVER, NotLowered, paddings_of
from conversion.rules.tensors_of_file import FileTensors
from core.tflite.nodes import Operator, Tensor
from core.tflite.reader import ModelReader

CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})
PADS = frozenset({"PAD", "PADV2"})


@dataclass(frozen=True, kw_only=True)
class LoweredOperator:
    """One TFLite operator: its layers, or why it has none; `folded_into` is the operator that a PAD has become part of."""

    operator: Operator
    layers: tuple[Layer, ...] = ()
    refusal: str = ""
    folded_into: int | None = None


@dataclass(frozen=True)
class Lowering:
    """The operators of one subgraph, in file order."""

    reader: ModelReader
    tensors: FileTensors = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", FileTensors(self.reader))

    @cached_property
    def operators(self) -> tuple[LoweredOperator, ...]:
        """Every operator, lowered."""
        return tuple(self._lowered(operator) for operator in self.reader.operators)

    @cached_property
    def readers(self) -> Mapping[int, tuple[Operator, ...]]:
        """Tensor index -> the operators that read it."""
        found: dict[int, list[Operator]] = {}
        for operator in self.reader.operators:
            for position in dict.fromkeys(operator.inputs):
                found.setdefault(position, []).append(operator)
        return {position: tuple(operators) for position, operators in found.items()}

    @cached_property
    def folded(self) -> Mapping[int, Operator]:
        """PAD operator's index -> the convolution that it becomes part of."""
        found = {}
        for operator in self.reader.operators:
            if operator.kind in PADS and (convolution := self._convolution_behind(operator)):
                found[operator.index] = convolution
        return found

    def _convolution_behind(self, pad: Operator) -> Operator | None:
        if not pad.outputs or pad.outputs[0] in self.reader.outputs:
            return None
        readers = self.readers.get(pad.outputs[0], ())
        if len(readers) != 1 or readers[0].kind not in CONVOLUTIONS or readers[0].inputs[0] != pad.outputs[0]:
            return None
        try:
            paddings_of(pad, self.tensors)
        except NotLowered:
            return None
        return readers[0]

    def _lowered(self, operator: Operator) -> LoweredOperator:
        if operator.index in self.folded:
            return LoweredOperator(operator=operator, folded_into=self.folded[operator.index].index)
        try:
            return LoweredOperator(operator=operator, layers=(self._main(operator), *self._fused(operator)))
        except NotLowered as error:
            return LoweredOperator(operator=operator, refusal=str(error))

    def _main(self, operator: Operator) -> Layer:
        if operator.custom:
            raise NotLowered(f"custom operator `{operator.kind}`: the NPU has no such layer")
        self._check_tensors(operator)
        lower = LOWERINGS.get(operator.kind)
        if lower is None:
            raise NotLowered(NEVER.get(operator.kind, f"the NPU has no {operator.kind}"))
        return lower(operator, self.tensors, self._pad_before(operator))

    def _pad_before(self, operator: Operator) -> Operator | None:
        return next(
            (pad for pad in self.reader.operators if pad.index in self.folded and self.folded[pad.index] is operator), None
        )

    def _check_tensors(self, operator: Operator) -> None:
        """What no layer may have, whatever its operator: float, more than four dimensions, sizes known only at run time."""
        for tensor in self._touched(operator):
            if tensor.is_float:
                raise NotLowered(f"{tensor.dtype} tensor: the NPU computes in int8 and uint8")
            if len(tensor.shape) > 4:
                raise NotLowered(f"tensor of {len(tensor.shape)} dimensions: the NPU takes four at most")
            if tensor.dynamic or 0 in tensor.shape:
                raise NotLowered("a shape that is only known at run time: the NPU needs fixed ones")

    def _touched(self, operator: Operator) -> list[Tensor]:
        return [self.reader.tensors[position] for position in (*operator.inputs, *operator.outputs) if position >= 0]

    def _fused(self, operator: Operator) -> tuple[Layer, ...]:
        """The layer of a fused activation: from and to the operator's own output quantisation."""
        if not operator.fused_activation:
            return ()
        output = self.tensors.activation(operator.outputs[0])
        if operator.fused_activation == "TANH":
            return (Layer(kind="tanh", inputs=(output,), outputs=(output,)),)
        if operator.fused_activation not in CLAMPS:
            raise NotLowered(f"fused activation {operator.fused_activation}: the NPU has no such layer")
        options = LayerOptions(bounds=clamp_bounds(operator.fused_activation, output))
        return (Layer(kind="relu", inputs=(output,), outputs=(output,), options=options),)
