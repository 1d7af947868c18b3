"""Which operators a recipe may compute with int16 activations: those of the attention, between its two matrix products."""

from __future__ import annotations

from core.tflite.graph import Operator, TfliteGraph

_MOVING = frozenset({"RESHAPE", "TRANSPOSE"})


def attention(graph: TfliteGraph) -> list[Operator]:
    """The matrix products around each SOFTMAX and all between them, in file order; none where there is no attention.

    An int8 SOFTMAX has the fixed scale 1/256, while each of the 400 probabilities of a 20 x 20 map is about 1/400.
    """
    makers = {tensor: op for op in graph.operators for tensor in op.outputs}
    found: dict[int, Operator] = {}
    for softmax in (op for op in graph.operators if op.kind == "SOFTMAX"):
        found[softmax.index] = softmax
        before = makers.get(softmax.inputs[0])
        while before is not None and before.index not in found:
            found[before.index] = before
            before = makers.get(before.inputs[0]) if before.kind in _MOVING else None
        behind = list(graph.consumers.get(softmax.outputs[0], ()))
        while behind:
            op = behind.pop()
            found[op.index] = op
            if op.kind in _MOVING:
                behind += graph.consumers.get(op.outputs[0], ())
    return [found[index] for index in sorted(found)]
