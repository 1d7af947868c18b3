"""Node data of Model Explorer: what is known of each operator, under the name of what it gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.report.exports.model_explorer import GRAPH, model_explorer
from harness.results.stored_run import StoredRun
from tests.harness.report.runs import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    return write_run(tmp_path_factory.mktemp("explorer") / "run")


def placed(run: StoredRun) -> tuple[str, str]:
    return next(
        (case.model, case.profile) for record in run.records if run.placement((case := record.case).model, case.profile)
    )


def test_every_operator_has_its_place_and_macs_under_the_name_of_its_output(run: StoredRun) -> None:
    model, profile = placed(run)
    placement, files = run.placement(model, profile), model_explorer(run)
    assert placement is not None
    for quantity, value in (("placement", "where"), ("macs", "macs")):
        content = json.loads(files[f"model-explorer-{model}-{profile}-{quantity}.json"])
        expected = {operator.name: {"value": getattr(operator, value)} for operator in placement.operators}
        assert content[GRAPH]["results"] == expected
        assert set(content) == {GRAPH}


def test_the_same_is_one_json_with_a_row_per_operator(run: StoredRun) -> None:
    model, profile = placed(run)
    placement = run.placement(model, profile)
    content = json.loads(model_explorer(run)[f"operators-{model}-{profile}.json"])
    assert placement is not None
    assert [row["index"] for row in content["operators"]] == [operator.index for operator in placement.operators]
    assert all(row["reason"] for row in content["operators"] if row["placement"] == "cpu")


def test_a_run_without_placements_has_no_node_data(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    for file in (run.folder / "placement").glob("*.json"):
        file.unlink()
    assert model_explorer(run) == {}
