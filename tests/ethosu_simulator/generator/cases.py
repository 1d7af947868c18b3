"""A number -> a case: operator, element type, NPU configuration and everything in the graph, all drawn from that number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator import convolutions, elementwise, integers, sequences, shapes
from tests.ethosu_simulator.generator.departures import departure
from tests.ethosu_simulator.generator.graph import Graph, Unsupported, as_image
from tests.ethosu_simulator.toolchain import ALL

LAYERS = {
    "conv": convolutions.conv,
    "conv_dynamic": convolutions.conv_dynamic,
    "depthwise": convolutions.depthwise,
    "transpose_conv": convolutions.transpose_conv,
    "fully_connected": convolutions.fully_connected,
    "average_pool": convolutions.average_pool,
    "max_pool": convolutions.max_pool,
    "batch_matmul": convolutions.batch_matmul,
    **elementwise.LAYERS,
    **shapes.LAYERS,
}
CHAINS = ("chain2", "chain3", "chain4", "chain6")
LAST = ("arg_max", "cast")  # their outputs are no feature maps
# Vela 5.2.0 miscompiles these in the middle of a graph (docs/decisions/simulator-and-tflite-micro.md).
VELA_JOINS_WRONGLY = ("strided_slice", "slice", "mirror_pad", "conv_dynamic")
MICRO_LACKS = ("relu_n1_to_1", "relu_0_to_1", "exp", "log", "neg", "tile", "gelu", "reduce_min", "scatter_nd")
MICRO_LACKS_WIDE = ("less", "less_equal", "greater", "logical_and", "logical_or", "gather")
OPERATORS = (*LAYERS, *integers.GRAPHS, *sequences.GRAPHS, *CHAINS, "chain3", "chain4")
ATTEMPTS = 40


@dataclass(frozen=True, kw_only=True)
class Case:
    """One comparison; its text, such as `conv-INT8-u55-128-17`, makes the same graph anywhere; `cap` bounds sizes.

    `vela` is an older version that compiles it, "" the one that is installed.
    """

    operator: str
    dtype: str
    config: str
    seed: int
    cap: int = 1 << 20
    vela: str = ""

    def __str__(self) -> str:
        """The text that `parse` reads."""
        capped, at = f"-{self.cap}" if self.cap < 1 << 20 else "", f"@{self.vela}" if self.vela else ""
        return f"{self.operator}-{self.dtype}-{self.config}-{self.seed}{capped}{at}"

    def build(self) -> bytes:
        """The TFLite file; Unsupported when the operator has no such case."""
        for attempt in range(ATTEMPTS):
            graph = Graph(np.random.default_rng([self.seed, attempt]), self.dtype, self.cap)
            try:
                return graph.finish([_output(graph, self.operator)])
            except Unsupported:
                continue
        raise Unsupported(str(self))


def parse(text: str) -> Case:
    """The case of that text."""
    name, _, vela = text.partition("@")
    operator, dtype, product, macs, seed, *cap = name.split("-")
    size = int(cap[0]) if cap else 1 << 20
    return Case(operator=operator, dtype=dtype, config=f"{product}-{macs}", seed=int(seed), cap=size, vela=vela)


def case(number: int) -> Case:
    """Case `number`: operators in turn, the rest at random."""
    random = np.random.default_rng([1, number])
    operator = OPERATORS[number % len(OPERATORS)]
    dtype = "INT32" if operator in integers.GRAPHS else str(random.choice(["INT8", "INT8", "INT8", "INT16"]))
    if dtype == "INT16" and operator in ONLY_8_BIT:
        dtype = "INT8"
    if operator in UINT8_TOO and random.random() < 0.1:
        dtype = "UINT8"
    return Case(operator=operator, dtype=dtype, config=str(random.choice(ALL)), seed=number)


# With an unsigned kernel in TFLite (TFLite Micro has hardly any).
UINT8_TOO = (
    "conv", "depthwise", "fully_connected", "average_pool", "max_pool", "add", "sub", "mul", "minimum", "maximum", "leaky_relu",
    "relu", "relu6", "hard_swish", "logistic", "tanh", "softmax", "quantize", "resize_nearest", "resize_bilinear",
    "concatenation", "pad", "strided_slice", "mean", "reduce_max",
)  # fmt: skip
# Without a 16-bit kernel in TFLite Micro, TFLite or Vela.
ONLY_8_BIT: tuple[str, ...] = ("prelu", "rsqrt", "scatter_nd", "lstm")


def _output(graph: Graph, operator: str) -> int:
    if operator in integers.GRAPHS:
        return integers.GRAPHS[operator](graph)
    if operator in sequences.GRAPHS:
        return sequences.GRAPHS[operator](graph)
    if operator in LAYERS:
        return LAYERS[operator](graph, _source(graph, operator))
    return _chain(graph, int(operator[5:]))


def _source(graph: Graph, operator: str) -> int:
    high = 10 if operator.startswith("resize") or operator == "transpose_conv" else 18
    return graph.input(graph.image(low=2, high=high))


def _chain(graph: Graph, length: int) -> int:
    """Layers one after another; now and then an earlier tensor is added or joined to the newest."""
    at = graph.input(graph.image(low=4))
    seen = [at]
    unfit = (*LAST, *VELA_JOINS_WRONGLY, *MICRO_LACKS, *((*ONLY_8_BIT, *MICRO_LACKS_WIDE) if graph.wide else ()))
    names = [name for name in LAYERS if name not in unfit and departure(name, graph.dtype) is None]
    while length:
        at = as_image(graph, at)
        if int(np.prod(graph.shape(at))) > 30000:
            break
        twin = next((i for i in seen[-4:-1] if graph.shape(i) == graph.shape(at)), None)
        if twin is not None and graph.chance(0.4):
            at = _join(graph, at, twin)
        else:
            # Convolutions as often as everything else together.
            pool = ("conv", "conv", "depthwise") if graph.chance(0.4) else tuple(names)
            try:
                at = LAYERS[graph.pick(*pool)](graph, at)
            except Unsupported:
                continue
        seen.append(at)
        length -= 1
    return at


def _join(graph: Graph, at: int, twin: int) -> int:
    kind = graph.pick("ADD", "ADD" if graph.wide else "MUL", "CONCATENATION")
    if kind == "CONCATENATION" and graph.quantisation(at) != graph.quantisation(twin):
        kind = "ADD"
    if kind == "CONCATENATION":
        options = schema.ConcatenationOptionsT()
        options.axis = 3
        shape = (*graph.shape(at)[:3], graph.shape(at)[3] * 2)
        return graph.operator(kind, [at, twin], graph.like(at, shape), options)
    fused = graph.fused(schema.AddOptionsT() if kind == "ADD" else schema.MulOptionsT())
    scale = graph.quantisation(at)[0] * (1.5 if kind == "ADD" else 60 * graph.quantisation(twin)[0])
    return graph.operator(kind, [at, twin], graph.activation(graph.shape(at), float(np.float32(scale))), fused)
