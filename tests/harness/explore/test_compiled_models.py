"""Models that came compiled: cells of their own NPU hold what the file says, cells of another are failures with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ModelError
from core.records.unavailable import Unavailable
from harness.explore import work
from harness.explore.accuracy import judged_part, scored
from harness.explore.exploration import Cell
from harness.explore.plan import ExploreOptions, planned
from harness.explore.requests import AS_COMPILED, CellRequest
from tests.benchmarks import tiny
from tests.conversion.executorch.stand_ins import TINY

PROGRAM = TINY / "tiny_u65.pte"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))


def cell(request: CellRequest) -> Cell:
    refused = work.converted(request.source, work.worker_identity())
    return work.computed(request, work.worker_identity(), refused)


def test_velas_and_their_options_are_no_axes_of_a_compiled_file_and_its_npu_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "detector.tflite").write_bytes(tiny.detector())
    models = (PROGRAM, tmp_path / "detector.tflite")
    found = planned(
        ExploreOptions(model=models, velas="5.1,5.2", optimise=("Size", "Performance"), memory=("mlek", "mlek-off"))
    )
    of_program = [request.key for request in found if request.key.model == PROGRAM.stem]
    assert [(key.npu, key.vela, key.vela_options, key.memory) for key in of_program] == [
        ("ethos-u65-256", AS_COMPILED, "", memory) for memory in ("mlek", "mlek-off")
    ]
    assert len(found) == 2 + 2 * 2 * 2
    (u85,) = planned(ExploreOptions(model=(TINY / "tiny_u85.pte",)))
    assert u85.key.npu == "ethos-u85-256"


def test_a_cell_of_its_npu_holds_placement_memory_and_our_estimate_and_says_what_is_not_known() -> None:
    (request,) = planned(ExploreOptions(model=(PROGRAM,), bytes=True))
    found = cell(request)
    assert not found.failed
    assert (found.number("npu_estimated_us", "open") or 0) > 0
    assert (found.number("arena_bytes") or 0) > 0
    assert (found.number("operators_executed") or 0) > 0
    assert found.number("flash_bytes") == PROGRAM.stat().st_size
    assert isinstance(found.value("npu_estimated_us", "vela"), Unavailable)
    assert "no reference" in getattr(found.value("bit_exact"), "reason", "")
    assert work.known(request) == found


def test_cells_of_other_npus_fail_with_the_reason_and_so_do_all_when_none_fits() -> None:
    found = [cell(one) for one in planned(ExploreOptions(model=(PROGRAM,), npu=("ethos-u55-128", "ethos-u85-256")))]
    assert [one.figures for one in found] == [(), ()]
    assert all("is compiled for ethos-u65-256" in one.failed for one in found)


def test_images_say_nothing_of_a_file_without_its_float_graph(tmp_path: Path) -> None:
    (request,) = planned(ExploreOptions(model=(PROGRAM,), data=tiny.write_data(tmp_path)))
    one, expected = request.accuracy, work.worker_identity()
    figures = scored(one, [judged_part(one, (0, 1), expected)], expected)
    assert {one.graph for one in figures} == {"npu"}
    assert all("no scales" in getattr(one.value, "reason", "") for one in figures)


def test_a_damaged_program_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pte"
    broken.write_bytes(PROGRAM.read_bytes()[:200])
    with pytest.raises(ModelError, match=r"broken\.pte"):
        planned(ExploreOptions(model=(broken,)))
    (request,) = planned(ExploreOptions(model=(broken,), npu=("ethos-u65-256",)))
    assert "broken.pte" in cell(request).failed
