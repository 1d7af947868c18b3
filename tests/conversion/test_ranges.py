"""Ranges come from true extremes: independent of the order of images, and never from an average of them."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from conversion.ranges import RangeRule, choose, observe, same_scale_groups
from core.tflite.graph import TfliteGraph, parse
from tests.conversion.tflite_builder import TinyModel

Floats = NDArray[np.float32]
IMAGE, NEGATED, CORNER, JOINED = "image", "negated", "corner", "joined"


def float_model() -> bytes:
    """Image -> NEG -> a corner of it, and the image beside its negative: what ranges have to follow."""
    model = TinyModel()
    image = model.tensor((1, 2, 2, 1), IMAGE, "FLOAT32", None)
    negated = model.operator("NEG", [image], [model.tensor((1, 2, 2, 1), NEGATED, "FLOAT32", None)])
    begin, size = (model.constant(np.array(values, np.int32)) for values in ((0, 0, 0, 0), (1, 1, 1, 1)))
    corner = model.operator("SLICE", [negated, begin, size], [model.tensor((1, 1, 1, 1), CORNER, "FLOAT32", None)])
    options = schema.ConcatenationOptionsT()
    options.axis = 3
    joined = model.operator("CONCATENATION", [image, negated], [model.tensor((1, 2, 2, 2), JOINED, "FLOAT32", None)], options)
    return model.finish([image], [corner, joined])


@pytest.fixture(scope="module")
def content() -> bytes:
    return float_model()


@pytest.fixture(scope="module")
def graph(content: bytes) -> TfliteGraph:
    return parse(content, "the float model")


def index(graph: TfliteGraph, name: str) -> int:
    (found,) = [tensor.index for tensor in graph.tensors if tensor.name == name]
    return found


def image(*values: float) -> Floats:
    return np.array(values, np.float32).reshape(1, 2, 2, 1)


DULL = image(0.1, 0.2, 0.1, 0.2)
BRIGHT = image(0.9, 0.3, 0.4, 0.5)


def test_one_bright_image_among_many_sets_the_range_wherever_it_stands(content: bytes, graph: TfliteGraph) -> None:
    first = observe(content, graph, [BRIGHT, *[DULL] * 30], 1)
    last = observe(content, graph, [*[DULL] * 30, BRIGHT], 1)
    for seen in (first, last):
        assert seen[index(graph, NEGATED)].low == np.float32(-0.9)
        assert seen[index(graph, NEGATED)].high == np.float32(-0.1)


def test_extremes_are_per_channel(content: bytes, graph: TfliteGraph) -> None:
    seen = observe(content, graph, [BRIGHT], 1, per_channel=True)[index(graph, JOINED)]
    assert np.allclose(seen.low, [0.3, -0.9])
    assert np.allclose(seen.high, [0.9, -0.3])


def test_the_input_is_zero_to_one_whatever_was_seen(content: bytes, graph: TfliteGraph) -> None:
    chosen = choose(graph, observe(content, graph, [DULL], 1), RangeRule())
    assert (chosen[index(graph, IMAGE)].low, chosen[index(graph, IMAGE)].high) == (0.0, 1.0)


def test_a_slice_shares_the_range_of_what_it_is_cut_from(content: bytes, graph: TfliteGraph) -> None:
    chosen = choose(graph, observe(content, graph, [BRIGHT], 1), RangeRule())
    assert chosen[index(graph, CORNER)] == chosen[index(graph, NEGATED)]
    assert chosen[index(graph, NEGATED)].low == pytest.approx(-0.9)
    assert chosen[index(graph, NEGATED)].high == 0.0, "zero must have a value of its own"


def test_a_concatenation_keeps_a_range_of_its_own_unless_told_to_share(graph: TfliteGraph) -> None:
    apart, together = (same_scale_groups(graph, share_concat=share) for share in (False, True))
    assert {len(group) for group in apart} == {1, 2}
    assert {len(group) for group in together} == {4}


def test_margins_widen_outputs_and_what_shares_their_range(content: bytes, graph: TfliteGraph) -> None:
    seen = observe(content, graph, [BRIGHT], 1)
    plain, wider = (choose(graph, seen, RangeRule(output_margin=margin)) for margin in (1.0, 2.0))
    assert wider[index(graph, JOINED)].high == pytest.approx(2 * plain[index(graph, JOINED)].high)
    assert wider[index(graph, IMAGE)] == plain[index(graph, IMAGE)]
