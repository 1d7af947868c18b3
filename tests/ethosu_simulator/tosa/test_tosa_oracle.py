"""Graphs that TFLite Micro has no kernel for give the TOSA reference model's bytes, from TFLite and from TOSA."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from conversion.tosa_graph import read_tosa
from core.errors import ToolMissing
from core.progress import to_nobody
from ethosu_simulator import container
from targets.tosa.reference import tosa_outputs
from tests.ethosu_simulator.generator.cases import parse
from tests.ethosu_simulator.generator.compare import EQUAL, Array, compiled, inputs_of
from tests.ethosu_simulator.tosa.__main__ import COUNTS
from tests.ethosu_simulator.tosa.oracle import _is_clipped, compared, held
from tests.ethosu_simulator.tosa.page import PAGE, page
from tests.ethosu_simulator.tosa.written import WIDE_TABLE, plain_integers

KEPT = Path(__file__).with_name("kept")
"""Graphs that were written as TOSA, by the name of their case: they need no converter."""


def references(graph: Path, sets: list[list[Array]]) -> list[Array]:
    try:
        return [outputs[0] for outputs in tosa_outputs(graph, read_tosa(graph), sets, to_nobody)]
    except ToolMissing as error:
        pytest.skip(f"no reference model: {error.found.splitlines()[0]}")


def both(graph: Path, folder: Path) -> tuple[list[list[Array]], list[partial[Path]]]:
    """The inputs of a kept graph's case, and what compiles its TFLite file and the graph."""
    case = parse(graph.stem)
    model, path = case.build(), folder / "case.tflite"
    path.write_bytes(model)
    made = [partial(compiled, file, case.config, folder / file.suffix[1:]) for file in (path, graph)]
    return inputs_of(model, case.seed), made


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in KEPT.glob("*.tosa")))
def test_a_graph_that_tflite_micro_has_no_kernel_for_gives_the_reference_models_bytes(tmp_path: Path, name: str) -> None:
    graph = KEPT / f"{name}.tosa"
    sets, files = both(graph, tmp_path)
    expected = references(graph, sets)
    assert [held(file, sets, expected) for file in files] == [EQUAL, EQUAL]


@pytest.mark.slow
def test_one_other_byte_is_seen(tmp_path: Path) -> None:
    graph = next(iter(sorted(KEPT.glob("*.tosa"))))
    sets, files = both(graph, tmp_path)
    expected = references(graph, sets)
    expected[1].reshape(-1)[3] ^= 1
    assert [held(file, sets, expected).partition(" of ")[0] for file in files] == ["differs: (1", "differs: (1"]


def test_bytes_that_are_clipped_are_told_from_others() -> None:
    want = np.array([200, 100, 127], np.uint8).view(np.int8)
    assert _is_clipped(np.array([127, 100, 127], np.int8), want)
    assert not _is_clipped(np.array([126, 100, 127], np.int8), want)


def test_what_is_kept_covers_every_operator_that_was_compared_and_found_equal() -> None:
    counts = json.loads(COUNTS.read_text("utf-8"))
    equal = {one["case"].split("-")[0] for one in counts["cases"] if (one["by_tflite"], one["by_tosa"]) == (EQUAL, EQUAL)}
    kept = {path.stem.split("-")[0] for path in KEPT.glob("*.tosa")}
    assert kept <= equal
    assert len(kept) >= 5


def test_the_page_shows_the_counts() -> None:
    assert PAGE.read_text("utf-8") == page(json.loads(COUNTS.read_text("utf-8")))


def test_operators_on_32_bit_integers_are_written_without_scales() -> None:
    text = plain_integers(container.parse(parse("div_int32-INT32-u55-32-100011").build()))
    assert "tosa.intdiv %arg0, %c" in text
    assert "rescale" not in text
    assert plain_integers(container.parse(parse("tile-INT8-u55-64-100075").build())) == ""


def test_a_table_of_16_bits_is_found_in_the_converters_text() -> None:
    found = WIDE_TABLE.search("%1 = tosa.table %arg0, %0 : (tensor<1x2xi16>, tensor<513xi16>) -> tensor<1x2xi16>")
    assert found
    assert found.groupdict() == {"to": "%1", "of": "%arg0", "table": "%0", "shape": "1x2"}


@pytest.mark.nightly
@pytest.mark.slow
def test_every_graph_stands_to_the_reference_model_as_the_page_says(tmp_path: Path) -> None:
    for number, told in enumerate(json.loads(COUNTS.read_text("utf-8"))["cases"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert compared(parse(told["case"]), folder).as_data() == told
