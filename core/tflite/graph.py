"""A TFLite file as operators and tensors: what it computes, whether it is full-integer, and which model it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from core.tflite.fingerprint import graph_fingerprint, weight_fingerprint
from core.tflite.macs import MAC_KINDS
from core.tflite.nodes import BrokenModel, Operator, Tensor
from core.tflite.reader import ModelReader

__all__ = ["BrokenModel", "Operator", "Tensor", "TfliteGraph", "parse"]

BLOCK_KINDS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
ACTIVATION_KINDS = frozenset(
    {"RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "PRELU", "ELU", "GELU", "HARD_SWISH", "TANH"}
)
TRANSPARENT_KINDS = frozenset({"QUANTIZE", "DEQUANTIZE"})
QUANTISED = frozenset({"int8", "uint8", "int16"})
SILU = "SILU"
NAMES_SHOWN = 6


@dataclass(frozen=True)
class TfliteGraph:
    """The first subgraph of a TFLite file, the one that runtimes and Vela take.

    `operators` and `tensors` are in file order, `inputs` and `outputs` in subgraph order. `weights` is the fingerprint of the
    constants that feed MAC operators, `structure` that of operators, shapes and quantisation; both ignore names and metadata.
    `others` names further graphs of the file that an inference does not run, such as those of other signatures.
    """

    name: str
    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    weights: str
    structure: str
    others: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(operator.macs for operator in self.operators)

    @property
    def kinds(self) -> Counter[str]:
        """How many operators there are of each kind."""
        return Counter(operator.kind for operator in self.operators)

    @cached_property
    def consumers(self) -> dict[int, tuple[Operator, ...]]:
        """Tensor index -> the operators that read it, in file order."""
        found: dict[int, list[Operator]] = {}
        for operator in self.operators:
            for position in dict.fromkeys(operator.inputs):
                found.setdefault(position, []).append(operator)
        return {position: tuple(operators) for position, operators in found.items()}

    @cached_property
    def live(self) -> frozenset[int]:
        """Indices of the operators that an output of the graph depends on; a compiler drops the others."""
        producers = {position: operator for operator in self.operators for position in operator.outputs}
        waiting = [tensor.index for tensor in self.outputs]
        found: set[int] = set()
        while waiting:
            producer = producers.get(waiting.pop())
            if producer is not None and producer.index not in found:
                found.add(producer.index)
                waiting.extend(producer.inputs)
        return frozenset(found)

    @cached_property
    def activations(self) -> Counter[str]:
        """Activation -> number of convolutions whose output goes through it.

        Keys are TFLite's names, and "SILU" for LOGISTIC + MUL of the same tensor; a LOGISTIC alone (the head's scores) is none.
        Fused activations count like operators; convolutions without any are left out.
        """
        found: Counter[str] = Counter()
        for operator in self.operators:
            activation = self._activation_of(operator) if operator.kind in BLOCK_KINDS else ""
            if activation:
                found[activation] += 1
        return found

    def full_integer_problem(self) -> str | None:
        """Why the NPU could not run the file as a whole, or None when it is full-integer.

        Full-integer: integer inputs and outputs, and no float tensor that any operator reads or writes.
        """
        return self.float_boundary() or self._float_inside()

    def float_boundary(self) -> str | None:
        """Which input or output is float, or None when all are integer."""
        for side, tensors in (("input", self.inputs), ("output", self.outputs)):
            floating = next((tensor for tensor in tensors if tensor.is_float), None)
            if floating is not None:
                hybrid = self._hybrid_count()
                more = f"; its {hybrid} int8 weights are multiplied with float activations (hybrid)" if hybrid else ""
                return f"has {floating.dtype} {side} `{floating.name}`{more}"
        return None

    @property
    def computes_in_integers(self) -> bool:
        """Whether any operator but a conversion of numbers computes quantised integers: only such can run on an Ethos-U."""
        return any(
            operator.kind not in TRANSPARENT_KINDS
            and not operator.custom
            and any(position >= 0 and self.tensors[position].dtype in QUANTISED for position in operator.outputs)
            for operator in self.operators
        )

    def _float_inside(self) -> str | None:
        touched = {position for operator in self.operators for position in (*operator.inputs, *operator.outputs)}
        count = sum(self.tensors[position].is_float for position in touched if position >= 0)
        if not count:
            return None
        kinds = Counter(operator.kind for operator in self.operators if self._computes_in_float(operator))
        named = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common(NAMES_SHOWN))
        return f"has {count} float tensors left inside" + (f", in {named}" if named else "")

    def _computes_in_float(self, operator: Operator) -> bool:
        return any(position >= 0 and self.tensors[position].is_float for position in operator.outputs)

    def _hybrid_count(self) -> int:
        """MAC operators with a float activation and integer weights."""
        return sum(
            operator.kind in MAC_KINDS
            and len(operator.inputs) > 1
            and min(operator.inputs[:2]) >= 0
            and any(self.tensors[position].is_float for position in operator.outputs if position >= 0)
            and any(self.tensors[position].constant and not self.tensors[position].is_float for position in operator.inputs[:2])
            for operator in self.operators
        )

    def _activation_of(self, block: Operator) -> str:
        if block.fused_activation:
            return block.fused_activation
        if not block.outputs:
            return ""
        position = block.outputs[0]
        for _ in range(3):  # a requantisation or two may stand between a convolution and its activation
            readers = self.consumers.get(position, ())
            direct = next((reader.kind for reader in readers if reader.kind in ACTIVATION_KINDS), "")
            if direct:
                return direct
            if self._is_silu(position, readers):
                return SILU
            carrier = readers[0] if len(readers) == 1 else None
            if carrier is None or carrier.kind not in TRANSPARENT_KINDS or not carrier.outputs:
                return ""
            position = carrier.outputs[0]
        return ""

    def _is_silu(self, position: int, readers: tuple[Operator, ...]) -> bool:
        """Whether the tensor is multiplied with its own LOGISTIC."""
        gates = {reader.outputs[0] for reader in readers if reader.kind == "LOGISTIC" and reader.outputs}
        products = [reader for reader in readers if reader.kind == "MUL"]
        return any(gates.intersection(product.inputs) for product in products)


def parse(data: bytes, name: str) -> TfliteGraph:
    """The graph of a TFLite file; `name` is what errors call it. BrokenModel for anything that is not a whole file."""
    reader = ModelReader(data, name)
    for side, positions in (("input", reader.inputs), ("output", reader.outputs)):
        if any(position < 0 for position in positions):
            raise BrokenModel(f"`{name}` is a broken TFLite file: an {side} of the graph is no tensor")
    return TfliteGraph(
        name=name,
        operators=reader.operators,
        tensors=reader.tensors,
        inputs=tuple(reader.tensors[position] for position in reader.inputs),
        outputs=tuple(reader.tensors[position] for position in reader.outputs),
        weights=weight_fingerprint(reader),
        structure=graph_fingerprint(reader),
        others=reader.other_graphs,
    )
