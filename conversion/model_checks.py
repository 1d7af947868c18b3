"""What a TFLite file is before Vela sees it: what is refused with its reason, and what a reader should know of it.

The one set of input checks for every front door: `checked_graph` refuses what has no answer, `findings` names what changes the
meaning of the figures. Nothing here says what is on the NPU: that is Vela's placement.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from conversion.vela import read_graph
from core.errors import ModelError, UsageError
from core.tflite.graph import TfliteGraph
from core.tflite.nodes import Operator, Tensor

CONVERT = "ethos-bench convert --checkpoint path/to/best.pt --calibration data.yaml"
EDGE_TPU = "edgetpu-custom-op"
VELA = "ethos-u"
SYMMETRIC_WEIGHTS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
SMALLEST_SCALE = 1e-6
"""Below it TFLite Micro's kernels lose their shifts; a real activation of eight bits never spans so little."""
COARSE_SCALE = 0.1
"""A step of a score between 0 and 1 that leaves ten values or fewer."""


def checked_graph(path: Path) -> TfliteGraph:
    """The graph of a TFLite file that Vela can be asked about; UsageError when it is missing, ModelError when it is another."""
    if not path.is_file():
        raise UsageError(f"model `{path}` does not exist", "a quantised .tflite file")
    graph = read_graph(path)
    require_compilable(graph)
    return graph


def require_compilable(graph: TfliteGraph) -> None:
    """Nothing, or ModelError when no placement could be had, or when the NPU would run none of the file."""
    customs = {operator.kind for operator in graph.operators if operator.custom}
    if not graph.operators:
        raise ModelError(f"`{graph.name}` holds no operators", "a quantised .tflite file")
    if VELA in customs:
        raise ModelError(
            f"`{graph.name}` has been compiled by Vela already: what its NPU operators were made of is not in it",
            "the int8 file that Vela was given",
        )
    if EDGE_TPU in customs:
        raise ModelError(
            f"`{graph.name}` has been compiled for Google's Edge TPU: nothing of `{EDGE_TPU}` runs on an Ethos-U",
            "the int8 file that edgetpu_compiler was given",
        )
    _require_eight_bit_constants(graph)
    if not graph.computes_in_integers:
        problem = graph.float_boundary() or "computes nothing in quantised integers"
        raise ModelError(f"`{graph.name}` {problem}: the NPU would run none of it", "int8 input and output", CONVERT)


def _require_eight_bit_constants(graph: TfliteGraph) -> None:
    """Vela 5.2 divides by zero on 4-bit tensors and is killed by SIGFPE: they are named before it dies."""
    narrow = next((tensor for tensor in graph.tensors if tensor.dtype in ("int4", "uint4", "int2")), None)
    if narrow is not None:
        raise ModelError(
            f"`{graph.name}` holds {narrow.dtype} values in `{narrow.name}`: Vela compiles none of less than 8 bits",
            "weights of 8 bits",
            CONVERT,
        )


def findings(graph: TfliteGraph) -> tuple[str, ...]:
    """Sentences on what changes the meaning of the figures, in the order of the file; empty for a plain full-integer file."""
    return (
        *_other_graphs(graph),
        *_floats(graph),
        *_batches(graph),
        *_weights_with_zero_point(graph),
        *_tiny_scales(graph),
        *_coarse_outputs(graph),
    )


def scale_and_weight_findings(graph: TfliteGraph) -> tuple[str, ...]:
    """The findings that explain why runtimes disagree on the bytes of a file."""
    return (*_weights_with_zero_point(graph), *_tiny_scales(graph))


def _other_graphs(graph: TfliteGraph) -> Iterator[str]:
    if graph.others:
        names = ", ".join(f"`{name}`" for name in graph.others)
        yield (
            f"the file holds {len(graph.others) + 1} graphs: the first one is judged, {names} "
            f"{'is' if len(graph.others) == 1 else 'are'} not; save each as a file of its own to judge it"
        )


def _floats(graph: TfliteGraph) -> Iterator[str]:
    boundary = graph.float_boundary()
    if boundary:
        yield f"{boundary}: its conversion to and from integers runs on the CPU, what lies between can run on the NPU"
    elif graph.full_integer_problem():
        yield f"not full-integer: {graph.full_integer_problem()}; these operators cannot run on the NPU"


def _batches(graph: TfliteGraph) -> Iterator[str]:
    for tensor in graph.inputs:
        if len(tensor.shape) == 4 and tensor.shape[0] > 1:
            yield f"input `{tensor.name}` holds {tensor.shape[0]} images: every time and cycle is for all of them together"


def _weights_with_zero_point(graph: TfliteGraph) -> Iterator[str]:
    found = [weights for operator in graph.operators if (weights := _asymmetric(graph, operator)) is not None]
    if found:
        yield (
            f"{len(found)} weight tensors such as `{found[0].name}` have a zero point ({found[0].zero_points[0]}): TFLite "
            "forbids it for int8, Vela honours it and TFLite Micro ignores it, so the NPU differs from the reference"
        )


def _asymmetric(graph: TfliteGraph, operator: Operator) -> Tensor | None:
    """The int8 weights of an operator when their zero point is not 0."""
    if operator.kind not in SYMMETRIC_WEIGHTS or len(operator.inputs) < 2 or operator.inputs[1] < 0:
        return None
    weights = graph.tensors[operator.inputs[1]]
    return weights if weights.constant and weights.dtype == "int8" and any(weights.zero_points) else None


def _tiny_scales(graph: TfliteGraph) -> Iterator[str]:
    tiny = next((t for t in graph.tensors if not t.constant and any(0 < scale < SMALLEST_SCALE for scale in t.scales)), None)
    if tiny is not None:
        yield (
            f"`{tiny.name}` has scale {min(tiny.scales):g}: the whole range of its values is next to nothing, and TFLite "
            "Micro's own kernels are wrong there; where it differs from the NPU, LiteRT is the one to believe"
        )


def _coarse_outputs(graph: TfliteGraph) -> Iterator[str]:
    for tensor in graph.outputs:
        if _boxes_and_scores(tensor) and tensor.scales and tensor.scales[0] > COARSE_SCALE and tensor.dtype != "int16":
            yield (
                f"output `{tensor.name}` {list(tensor.shape)} holds boxes and scores with one scale of {tensor.scales[0]:g}: "
                "a score between 0 and 1 becomes 0, and mAP with it; convert with raw heads, or with an output for each"
            )


def _boxes_and_scores(tensor: Tensor) -> bool:
    """Whether the shape is that of a decoded detector's only output: (1, 4 + classes, boxes) or (1, boxes, 4 + classes)."""
    return len(tensor.shape) == 3 and tensor.shape[0] == 1 and min(tensor.shape[1:]) > 4
