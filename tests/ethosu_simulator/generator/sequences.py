"""UNIDIRECTIONAL_SEQUENCE_LSTM as a whole graph: int8 activations, a 16-bit cell state, no projection, no peephole."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.graph import Graph

GATES = 4
OUTPUT_SCALE = 1 / 128


def lstm(graph: Graph) -> int:
    """A few time steps of a small LSTM, batch or time first."""
    steps, batch, features, units = graph.size(1, 6), graph.pick(1, 1, 2), graph.size(1, 24), graph.size(1, 20)
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    options.cellClip, options.projClip = 0.0, 0.0
    options.timeMajor = graph.chance(0.5)
    shape = (steps, batch) if options.timeMajor else (batch, steps)
    scale = graph.scale(0.005, 0.05)
    source = graph.input((*shape, features), scale, graph.zero_point())
    inputs = [source]
    scales = [graph.scale(0.002, 0.02) for _ in range(2 * GATES)]
    for gate in range(2 * GATES):
        width = features if gate < GATES else units
        inputs.append(graph.constant(graph.random.integers(-127, 128, (units, width)).astype(np.int8), [scales[gate]]))
    inputs += [-1, -1, -1]
    for gate in range(GATES):
        bias = graph.random.integers(-2000, 2000, units).astype(np.int32)
        inputs.append(graph.constant(bias, [scale * scales[gate]]))
    inputs += [-1, -1]
    state = graph.activation((batch, units), OUTPUT_SCALE, 0)
    cell = graph.activation((batch, units), 2.0**-11, 0, "INT16")
    for index in (state, cell):
        graph.model.tensors[index].isVariable = True
    inputs += [state, cell, -1, -1, -1, -1]
    output = graph.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, graph.activation((*shape, units), OUTPUT_SCALE, 0), options)
    # They carry scales only: TFLite Micro refuses any that have elements.
    held = [graph.activation((0,), OUTPUT_SCALE, 0, "INT8" if place == GATES else "INT16") for place in range(GATES + 1)]
    graph.model.operators[-1].intermediates = held
    return output


GRAPHS = {"lstm": lstm}
