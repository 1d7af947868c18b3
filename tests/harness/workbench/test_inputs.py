"""What models are fed. Covers harness.workbench.noise."""

from __future__ import annotations

import numpy as np
import pytest

from core.records.image_form import ImageForm
from core.records.unavailable import Unavailable
from core.tflite.graph import TfliteGraph, parse
from harness.tasks.picture import picture
from harness.workbench.inputs import of_noise, with_given
from tests.benchmarks import kinds
from tests.conversion.tflite_builder import TinyModel


def graph_of(shape: tuple[int, ...], dtype: str = "INT8", scale: float | None = 1 / 255, zero_point: int = -128) -> TfliteGraph:
    model = TinyModel()
    image = model.tensor(shape, "image", dtype, scale)
    model.tensors[image].quantization.zeroPoint = [zero_point] if scale else []
    return parse(model.finish([image], [model.unary("RELU", image)]), "one")


@pytest.mark.parametrize(
    ("dtype", "lowest", "highest"), [("INT8", -128, 127), ("UINT8", 0, 255), ("INT16", -(2**15), 2**15 - 1)]
)
def test_noise_reaches_both_ends_of_its_own_type_and_is_the_same_each_time(dtype: str, lowest: int, highest: int) -> None:
    graph = graph_of((1, 256, 256, 3), dtype)
    ramp, wide, narrow, again = (feed[0] for feed in of_noise(4, graph).feeds)
    assert ramp.dtype == np.dtype(dtype.lower())
    for values in (ramp, wide, again):
        assert values.min() <= lowest + 2
        assert values.max() >= highest - 2
    assert abs(float(narrow.mean()) - (lowest + highest + 1) / 2) < (highest - lowest) / 200
    assert [feed[0].tobytes() for feed in of_noise(2, graph).feeds] == [ramp.tobytes(), wide.tobytes()]


def test_floats_in_front_of_a_quantize_become_all_of_its_integers() -> None:
    graph = parse(kinds.float_input_and_output(), "floats")
    ((values,),) = of_noise(1, graph).feeds
    into = graph.tensors[graph.operators[0].outputs[0]]
    integers = np.rint(values / into.scales[0]) + into.zero_points[0]
    assert values.dtype == np.float32
    assert set(np.unique(integers)) == set(range(-128, 128))


def test_inputs_of_one_inference_differ_from_each_other() -> None:
    model = TinyModel()
    first, second = model.tensor((1, 8, 8, 4), "first"), model.tensor((1, 8, 8, 4), "second")
    graph = parse(model.finish([first, second], [model.unary("RELU", first), model.unary("RELU", second)]), "two")
    for one, other in of_noise(3, graph).feeds[1:]:
        assert one.tobytes() != other.tobytes()


def test_wide_integers_may_be_indices_and_are_zeros() -> None:
    ((values,),) = of_noise(1, graph_of((1, 4), "INT32", None)).feeds
    assert values.dtype == np.int32
    assert not values.any()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "white"),
    [("INT8", 1 / 255, -128, 127), ("UINT8", 1 / 255, 0, 255), ("INT16", 2**-15, 0, 2**15 - 1), ("FLOAT32", None, 0, 1.0)],
)
def test_white_pixels_are_white_in_every_type_and_layout(
    layout: str, dtype: str, scale: float | None, zero_point: int, white: float
) -> None:
    shape = (1, 8, 6, 3) if layout == "NHWC" else (1, 3, 8, 6)
    shown = picture(graph_of(shape, dtype, scale, zero_point))
    assert not isinstance(shown, Unavailable)
    pixels = np.zeros((1, 8, 6, 3), np.uint8)
    pixels[0, 2, 5, 1] = 255
    (tensor,) = shown.filled([pixels])
    assert tensor.shape == shape
    assert tensor[(0, 2, 5, 1) if layout == "NHWC" else (0, 1, 2, 5)] == white


def test_images_of_a_batch_go_in_together_and_a_rest_is_left() -> None:
    shown = picture(graph_of((2, 8, 8, 3)))
    assert not isinstance(shown, Unavailable)
    assert shown.form == ImageForm(height=8, width=8, channels=3, batch=2)
    found = list(shown.filled(np.full((1, 8, 8, 3), value, np.uint8) for value in (0, 51, 255)))
    assert [values[:, 0, 0, 0].tolist() for values in found] == [[-128, -77]]


@pytest.mark.parametrize("shape", [(1, 64), (1, 16, 16, 8)])
def test_an_input_that_is_no_image_is_named_with_its_type_and_shape(shape: tuple[int, ...]) -> None:
    reason = picture(graph_of(shape))
    assert isinstance(reason, Unavailable)
    assert f"`image` int8 {list(shape)}" in reason.reason


def test_a_model_that_is_given_all_its_inputs_runs_once_and_one_that_is_given_some_keeps_the_others() -> None:
    graph = parse(kinds.several_inputs(), "several")
    own = [np.zeros(tensor.shape, tensor.dtype) for tensor in graph.inputs]
    whole = with_given(of_noise(4, graph), graph, dict(enumerate(own)), {})
    assert len(whole.feeds) == 1
    some = with_given(of_noise(4, graph), graph, {1: own[1]}, {"bytes": "digest"})
    assert len(some.feeds) == 4
    assert all(feed[1] is own[1] for feed in some.feeds)
    assert some.said == "`bytes` as given, 4 inputs of seeded noise beside"
    assert some.options["input bytes"] == "digest"
