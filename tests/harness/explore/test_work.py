"""A cell computed, kept and found again; what cannot be computed is a cell with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conversion.velas.versions import installed_version
from core.errors import ToolMissing
from core.files import file_sha256
from harness.explore import work
from harness.explore.requests import CellRequest, ModelChoice, SourceRequest, TunedVela
from tests.benchmarks import tiny


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CellRequest:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    model = ModelChoice(name="detector", identity=file_sha256(path), file=path)
    npu = "ethos-u55-128"
    return CellRequest(source=SourceRequest(model=model), npu=npu, npu_name=npu, vela=installed_version())


def test_a_cell_is_computed_once_and_known_from_then_on(request_: CellRequest) -> None:
    assert work.known(request_) is None
    cell = work.computed(request_, work.worker_identity())
    assert not cell.failed
    assert cell.key == request_.key
    assert cell.identity["accelerator"] == "ethos-u55-128"
    assert cell.number("operators_cpu") == 0
    low, here, high = (cell.number("npu_estimated_us", stat) for stat in ("open_low", "open", "open_high"))
    assert low is not None
    assert here is not None
    assert high is not None
    assert 0 < low <= here <= high
    assert work.known(request_) == work.computed(request_, work.worker_identity()) == cell


def test_every_choice_is_another_cell(request_: CellRequest) -> None:
    work.computed(request_, work.worker_identity())
    others = [
        replace(request_, npu="ethos-u55-64", npu_name="ethos-u55-64"),
        replace(request_, memory="mlek-off"),
        replace(request_, tuned=TunedVela(optimise="Size")),
        replace(request_, with_bytes=True),
    ]
    assert [work.known(other) for other in others] == [None] * 4
    renamed = replace(request_, source=SourceRequest(model=replace(request_.source.model, name="again")))
    again = work.known(renamed)
    assert again
    assert again.key.model == "again"


def test_bytes_are_proved_where_that_is_asked_for(request_: CellRequest) -> None:
    assert work.computed(replace(request_, with_bytes=True), work.worker_identity()).value("bit_exact") is True


def test_what_has_no_answer_is_a_cell_with_the_reason(request_: CellRequest, tmp_path: Path) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(tiny.floats())
    model = ModelChoice(name="broken", identity=file_sha256(path), file=path)
    broken = replace(request_, source=SourceRequest(model=model))
    refused = work.converted(broken.source, work.worker_identity())
    cell = work.computed(broken, work.worker_identity(), refused)
    assert refused
    assert (cell.failed, cell.figures) == (refused, ())
    assert work.known(broken) is None


def test_other_code_is_refused_before_it_computes(request_: CellRequest) -> None:
    with pytest.raises(ToolMissing, match="runs other code"):
        work.computed(request_, "0123456789abcdef, Vela 1.0.0")
