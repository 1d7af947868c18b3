"""UNIDIRECTIONAL_SEQUENCE_LSTM as a whole graph: int8 activations, a 16-bit cell state, no projection, no peephole."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.graph import Graph

GATES = 4
OUTPUT_SCALE = 1 / 128


def lstm(graph: Graph) -> int:
    """A few time steps of a small LSTM, batch or time first."""
    steps, batch, features = graph.size(1, 6), graph.pick(1, 1, 2), graph.size(1, 24)
    time_major = graph.chance(0.5)
    shape = (steps, batch) if time_major else (batch, steps)
    source = graph.input((*shape, features), graph.scale(0.005, 0.05), graph.zero_point())
    return lstm_layer(graph, source, time_major=time_major, zero_point=int(graph.pick(0, 0, -5, 20)))


def lstm_layer(graph: Graph, source: int, *, time_major: bool = False, zero_point: int = 0) -> int:
    """The LSTM after [batch, time, features] or [time, batch, features]; its state has that zero point."""
    shape, units = graph.shape(source), graph.size(1, 20)
    batch, features, scale = shape[1 if time_major else 0], shape[2], graph.quantisation(source)[0]
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    options.cellClip, options.projClip, options.timeMajor = 0.0, 0.0, time_major
    inputs = [source]
    scales = [graph.scale(0.002, 0.02) for _ in range(2 * GATES)]
    for gate in range(2 * GATES):
        width = features if gate < GATES else units
        inputs.append(graph.constant(graph.random.integers(-127, 128, (units, width)).astype(np.int8), [scales[gate]]))
    inputs += [-1, -1, -1]
    for gate in range(GATES):
        bias = graph.random.integers(-2000, 2000, units).astype(np.int32)
        inputs.append(graph.constant(bias, [scale * scales[gate]]))
    state = graph.activation((batch, units), OUTPUT_SCALE, zero_point)
    cell = graph.activation((batch, units), 2.0**-11, 0, "INT16")
    for index in (state, cell):
        graph.model.tensors[index].isVariable = True
    inputs += [-1, -1, state, cell, -1, -1, -1, -1]
    result = graph.activation((*shape[:2], units), OUTPUT_SCALE, zero_point)
    output = graph.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, result, options)
    graph.model.operators[-1].intermediates = [
        # They carry scales only: TFLite Micro refuses any that have elements.
        graph.activation((0,), OUTPUT_SCALE, zero_point if place == GATES else 0, "INT8" if place == GATES else "INT16")
        for place in range(GATES + 1)
    ]
    return output


GRAPHS = {"lstm": lstm}
