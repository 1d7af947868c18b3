from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import DatasetError, ModelError
from core.records.image_form import square
from harness.tasks.detect.coco import coco_accuracy
from harness.tasks.detect.dataset import Dataset, load_dataset
from harness.tasks.detect.detections import Detections
from harness.tasks.detect.evaluate import COCO_SELECTION, PUBLISHED_SELECTION, canvases, collect, detect
from harness.tasks.detect.graphs import open_graph
from harness.tasks.detect.layout import Layout, find_layout
from harness.tasks.detect.nms import Selection
from harness.tasks.runtimes import Floats, TensorFormat
from tests.harness.tasks.detect.conftest import WriteDataset

SIZE = 64
ANCHORS = 84


class BrightCorner:
    """A detector that says: class 0 (.9) or 1 (.3) in a 32 x 16 px box at the top left of an image of 64 x 32 px."""

    path = Path("bright.tflite")
    image = square(SIZE)
    input = TensorFormat("images", (1, SIZE, SIZE, 3), "float32")
    outputs: tuple[TensorFormat, ...] = (TensorFormat("output", (1, 6, ANCHORS), "float32"),)

    def __init__(self, margin: int = 0) -> None:
        self.seen: list[np.ndarray] = []
        self.box = [16.0, 24.0, 32.0, 16.0] if not margin else [20.0, 26.0, 24.0, 12.0]

    def run(self, canvas: np.ndarray) -> list[Floats]:
        self.seen.append(canvas)
        output = np.zeros((1, 6, ANCHORS), np.float32)
        output[0, :, 3] = [*self.box, 0.9, 0.3]
        return [output]


def layout() -> Layout:
    found = find_layout([(1, 6, ANCHORS)], 2, SIZE, "pixels")
    assert isinstance(found, Layout)
    return found


@pytest.fixture
def pair(write_dataset: WriteDataset) -> Dataset:
    """Two images of 64 x 32 px, each with one box of class 0 at the top left."""
    return load_dataset(write_dataset({"a": "0 0.25 0.25 0.5 0.5", "b": "0 0.25 0.25 0.5 0.5"}, size=(64, 32)))


def test_detections_come_in_image_pixels_and_image_order(pair: Dataset) -> None:
    (found,) = detect(BrightCorner(), pair, layout())
    assert found.images.tolist() == [0, 1]
    assert found.boxes.tolist() == [[0, 0, 32, 16]] * 2
    assert coco_accuracy(found, pair).map50_95 == pytest.approx(1)


def test_one_inference_serves_every_selection(pair: Dataset) -> None:
    graph = BrightCorner()
    best, every, sure = detect(graph, pair, layout(), (COCO_SELECTION, PUBLISHED_SELECTION, Selection(0.95, 0.7, True)))
    assert len(graph.seen) == 2
    assert best.classes.tolist() == [0, 0]
    assert every.classes.tolist() == [0, 1, 0, 1]
    assert len(sure) == 0


def test_a_margin_shrinks_the_image_and_boxes_come_back_all_the_same(pair: Dataset) -> None:
    graph = BrightCorner(margin=8)
    (found,) = detect(graph, pair, layout(), margin=8)
    assert found.boxes.tolist() == [[0, 0, 32, 16]] * 2
    assert (graph.seen[0][0, :, :8] == 114).all()


def test_outputs_of_a_target_give_what_the_graph_would_have_given(pair: Dataset) -> None:
    graph = BrightCorner()
    outputs = [graph.run(canvas) for canvas in canvases(pair, square(SIZE))]
    (collected,), (detected,) = collect(outputs, pair, layout()), detect(graph, pair, layout())
    np.testing.assert_array_equal(collected.boxes, detected.boxes)


def test_progress_counts_every_image(pair: Dataset) -> None:
    steps: list[tuple[int, int]] = []
    detect(BrightCorner(), pair, layout(), on_progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]


def test_canvases_come_in_order_however_many_are_read_ahead(write_dataset: WriteDataset) -> None:
    dataset = load_dataset(write_dataset({f"{i}": "0 0.5 0.5 0.5 0.5" for i in range(7)}))
    assert [int(canvas[0, 32, 32, 0]) for canvas in canvases(dataset, square(SIZE))] == list(range(7))


def test_an_image_broken_since_the_data_set_was_loaded_is_named(pair: Dataset) -> None:
    pair.images[1].path.write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"b\.png` is no readable image"):
        detect(BrightCorner(), pair, layout())


def test_a_layout_of_another_size_is_refused(pair: Dataset) -> None:
    other = find_layout([(1, 6, 336)], 2, 128)
    assert isinstance(other, Layout)
    with pytest.raises(ModelError, match=r"bright\.tflite` takes 64x64 px"):
        detect(BrightCorner(), pair, other)


@pytest.mark.data
@pytest.mark.slow
def test_a_published_int8_file_finds_most_signs_of_a_tenth_of_the_test_split(real_data: Path, traffic_signs: Dataset) -> None:
    graph = open_graph(real_data / "models/published/level3_relu_full_integer_quant.tflite", threads=2)
    found_layout = find_layout([output.shape for output in graph.outputs], len(traffic_signs.class_names), graph.image.sides)
    assert isinstance(found_layout, Layout)
    found: Detections
    (found,) = detect(graph, traffic_signs, found_layout)
    assert 0.65 < coco_accuracy(found, traffic_signs).map50 < 0.85  # .748 on the whole split
