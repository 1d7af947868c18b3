"""The suite goes stage by stage, and shows after each what it has found of every model."""

from __future__ import annotations

import re

import pytest

from harness.pytest_plugin.stages import STAGES, rank, stage_of
from tests.benchmarks.conftest import MakeModel, RunSuite, model, run_suite, shared_cache
from tests.checkout import CHECKOUT

__all__ = ["model", "run_suite", "shared_cache"]


def test_every_module_of_the_suite_has_a_stage() -> None:
    modules = {path.stem for path in (CHECKOUT / "benchmarks").glob("test_*.py")}
    assert {module for stage in STAGES for module in stage.modules} == modules


def test_all_models_are_placed_before_one_runs_and_run_before_one_is_scored() -> None:
    tests = [(module, variant) for variant in range(3) for module in ("test_accuracy", "test_execution", "test_offload")]
    ordered = sorted(tests, key=lambda test: rank(*test))
    assert [module for module, _ in ordered] == ["test_offload"] * 3 + ["test_execution"] * 3 + ["test_accuracy"] * 3
    assert [variant for _, variant in ordered] == [0, 1, 2] * 3


def test_a_module_that_is_not_of_the_suite_comes_last() -> None:
    assert stage_of("test_mine") == len(STAGES)


@pytest.mark.session
def test_a_run_shows_the_figures_of_every_stage_before_the_next_one(run_suite: RunSuite, model: MakeModel) -> None:
    run = run_suite("--model", model("detector"), "--model", model("silu"))
    assert run.code == 0, run.output
    titles = re.findall(
        r"^(identity and offload; next: memory|memory; next: execution|execution; next: accuracy|Models)", run.output, re.M
    )
    assert titles == ["identity and offload; next: memory", "memory; next: execution", "execution; next: accuracy", "Models"]
    first, _, _ = run.output[run.output.index("identity and offload") :].partition("memory; next")
    assert "ops %" in first
    assert "MiB" not in first
    assert run.output.index("identity and offload") < run.output.index("running on host")
