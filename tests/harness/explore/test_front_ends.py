"""`explore --frontend`: which cells each front end spans, what a lowered cell holds, and by what it is judged.

Covers harness.explore.sources, harness.explore.accuracy.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.executorch import lowering
from conversion.file_kinds import TOSA
from conversion.pipeline import Source, given_source, model_file, tflite_source
from conversion.profile_files import load_profile
from conversion.velas.versions import installed_version
from core.errors import EthosBenchError, ToolMissing
from core.progress import to_nobody
from core.records.evidence import Evidence
from harness.explore import accuracy, plan, sources, work
from harness.explore.exploration import CellKey, Figure, FrontEnd
from harness.explore.plan import ExploreOptions, planned
from harness.explore.requests import AccuracyRequest, CellRequest, ModelChoice, SourceRequest
from harness.explore.sightings import INPUTS, Question
from harness.tasks.detect.dataset import Dataset
from harness.tasks.detect.task import Detect
from harness.workbench.float_outputs import float_outputs
from harness.workbench.inputs import of_dataset
from harness.workbench.reference import Equality, reference_outputs
from tests.benchmarks import tiny
from tests.conversion.executorch.stand_ins import CALIBRATION, FACTS, LOWERED, lowered_without_executorch
from tests.conversion.tflite_builder import TinyModel

NPUS = ("ethos-u55-128", "ethos-u85-256")


@pytest.fixture
def lowered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What ExecuTorch is asked; a checkpoint `mine.pt` that nobody has to load is lowered into a tiny graph."""
    asked = lowered_without_executorch(monkeypatch, tmp_path)
    monkeypatch.setattr(sources, "facts_of", lambda *_: FACTS)
    monkeypatch.setattr(sources, "packaged_calibration", lambda: CALIBRATION)
    (tmp_path / "mine.pt").write_bytes(str(tmp_path).encode())
    return asked


def requests(folder: Path, frontends: tuple[FrontEnd, ...] = ("executorch",), **more: Any) -> tuple[CellRequest, ...]:
    return planned(ExploreOptions(checkpoint=(folder / "mine.pt",), npu=NPUS, frontend=frontends, **more))


@pytest.mark.usefixtures("lowered")
def test_executorch_has_a_source_for_each_memory_format_and_npu_and_tflite_one_for_all(tmp_path: Path) -> None:
    found = requests(tmp_path, ("tflite", "executorch"), recipe=("fast", "full-range"))
    keys = [(key.frontend, key.layout, key.recipe, key.npu) for key in (request.key for request in found)]
    assert keys == [
        *(("tflite", "", recipe, npu) for recipe in ("fast", "full-range") for npu in NPUS),
        *(("executorch", layout, "pt2e", npu) for layout in lowering.LAYOUTS for npu in NPUS),
    ]
    assert len({request.source for request in found}) == 2 + 4
    assert len({request.accuracy for request in found}) == 2 + 4
    assert len({request.key.digest for request in found}) == len(found)


def test_a_cell_says_its_front_end_and_memory_format() -> None:
    key = CellKey(model="mine", npu="u", image_size=64, recipe="pt2e", frontend="executorch", layout="nhwc")
    assert key.row == "mine 64px pt2e executorch nhwc"
    assert replace(key, frontend="tflite", layout="", recipe="fast").row == "mine 64px fast"


@pytest.mark.usefixtures("lowered")
@pytest.mark.parametrize(
    ("frontends", "more", "words"),
    [
        (("executorch",), {"recipe": ("fast",)}, "--recipe fast with --frontend executorch"),
        (("tflite", "executorch"), {"checkpoint": (), "model": "detector.tflite"}, "beside --model alone"),
    ],
)
def test_what_a_front_end_cannot_be_asked_is_refused(
    tmp_path: Path, frontends: tuple[FrontEnd, ...], more: dict[str, Any], words: str
) -> None:
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    asked = (
        {**more, "model": (tmp_path / more["model"],)} if "model" in more else {**more, "checkpoint": (tmp_path / "mine.pt",)}
    )
    with pytest.raises(EthosBenchError, match=words):
        planned(ExploreOptions(frontend=frontends, **asked))


def test_without_executorch_the_line_to_type_comes_before_the_first_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(plan, "facts_for", lambda _: FACTS)
    (tmp_path / "mine.pt").write_bytes(b"")
    with pytest.raises(ToolMissing) as told:
        requests(tmp_path)
    assert told.value.hint == "make executorch"


def test_a_lowered_cell_holds_the_figures_of_its_tosa_graph(lowered: list[dict[str, Any]], tmp_path: Path) -> None:
    request = requests(tmp_path)[-1]
    cell = work.computed(request, work.worker_identity())
    assert not cell.failed
    assert (cell.key.frontend, cell.key.layout, cell.key.npu) == ("executorch", "nhwc", NPUS[1])
    assert cell.number("operators_cpu") == 0
    assert (cell.number("npu_estimated_us", "open") or 0) > 0
    assert cell.identity["tflite"] == sources.source_of(request.source).int8.sha256
    assert [(one["layout"], one["target"]) for one in lowered] == [("nhwc", NPUS[1])]
    assert work.known(request) == cell


@pytest.mark.usefixtures("lowered")
def test_a_vela_that_takes_no_tosa_is_a_failed_cell_that_needs_no_such_vela(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversion.velas.environments.tool_python", lambda *_: pytest.fail("it was installed for nothing"))
    old, new = requests(tmp_path, velas="4.5,5.2")[0], requests(tmp_path)[0]
    cell = work.computed(old, work.worker_identity())
    assert cell.failed == "Vela 4.5.0 takes no TOSA graph: 5.0 was the first that did"
    assert not work.computed(new, work.worker_identity()).failed


@pytest.mark.slow
def test_bytes_of_a_tosa_graph_are_held_against_the_tosa_reference_model() -> None:
    seen = Question(given_source(LOWERED["tosa"]), load_profile(NPUS[0])).through(installed_version())
    try:
        found = seen.equality
    except ToolMissing as error:
        pytest.skip(f"no reference model: {error.found.splitlines()[0]}")
    assert isinstance(found, Equality)
    assert (found.equal, found.images, found.difference) == (INPUTS, INPUTS, "")
    assert found.reference.startswith("TOSA reference model")
    assert "TOSA" in getattr(seen.first_departure(), "reason", "")


def floating(path: Path) -> Path:
    """A file with float maps of the tiny detector's shapes."""
    model = TinyModel()
    image = model.tensor((1, tiny.SIZE, tiny.SIZE, 3), "images", "FLOAT32", None)
    maps = []
    for stride in (8, 16, 32):
        for channels in (64, tiny.CLASSES):
            options = schema.Conv2DOptionsT()
            options.strideH = options.strideW = stride
            weights = model.constant(np.zeros((channels, 1, 1, 3), np.float32))
            side = tiny.SIZE // stride
            out = model.tensor((1, side, side, channels), "", "FLOAT32", None)
            maps.append(
                model.operator("CONV_2D", [image, weights, model.constant(np.zeros(channels, np.float32))], [out], options)
            )
    path.write_bytes(model.finish([image], maps))
    return path


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[AccuracyRequest, Source]:
    """A detector that is said to run on no computer, to be judged by what its NPU gives."""
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    made = tflite_source(tmp_path / "detector.tflite")
    source = replace(made, floating=model_file(floating(tmp_path / "float.tflite")), kind=TOSA)
    monkeypatch.setattr(accuracy, "source_of", lambda _: source)
    monkeypatch.setattr(accuracy, "source_parts", lambda _: {})
    monkeypatch.setattr(sources, "task_for", lambda _: Detect())
    monkeypatch.setattr(accuracy, "task_for", lambda _: Detect())
    model = ModelChoice(name="mine", identity=str(tmp_path), checkpoint=tmp_path / "mine.pt")
    data = tiny.write_data(tmp_path / "data", 6)
    request = SourceRequest(model=model, frontend="executorch", layout="nchw", npu=NPUS[0], data=data)
    return AccuracyRequest(source=request, npu=NPUS[0], vela=installed_version()), source


def found(request: AccuracyRequest, parts: int = 2) -> tuple[Figure, ...]:
    expected = work.worker_identity()
    return accuracy.scored(request, [accuracy.judged_part(request, (part, parts), expected) for part in range(parts)], expected)


def test_what_no_computer_runs_is_judged_by_what_its_npu_gives(judged: tuple[AccuracyRequest, Source]) -> None:
    request, source = judged
    figures = found(request)
    dataset = sources.dataset_of(request.source)
    assert isinstance(dataset, Dataset)
    fed = of_dataset(Detect(), dataset, dataset.count, source.graph, 0).feeds
    outputs = float_outputs(reference_outputs(source.int8, source.graph, fed, 1, to_nobody), source, "nchw")
    assert source.floating
    assert isinstance(outputs, list)
    expected = Detect().judge_outputs(outputs, source.floating, dataset, 1, "")
    assert [one.value for one in figures] == [one.value for one in expected.figures()]  # type: ignore[union-attr]
    assert {(one.graph, one.evidence) for one in figures} == {("npu", Evidence.SIMULATED_OPEN)}
    assert accuracy.known_accuracy(request) == figures
    assert accuracy.known_accuracy(replace(request, npu=NPUS[1])) is None


def test_what_a_vela_refuses_has_no_accuracy_but_the_reason(judged: tuple[AccuracyRequest, Source]) -> None:
    request = replace(judged[0], vela="4.5.0")
    figures = found(request)
    assert {getattr(one.value, "reason", "") for one in figures} == {
        "Vela 4.5.0 takes no TOSA graph: 5.0 was the first that did"
    }
