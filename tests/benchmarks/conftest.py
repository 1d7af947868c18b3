"""Runs of `pytest benchmarks/` as a user starts them."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import tiny
from tests.checkout import CHECKOUT
from tests.harness.schema import read_results

PATIENCE_S = 400


@dataclass(frozen=True)
class SuiteRun:
    """How a run ended, what it said, and its results folder."""

    code: int
    output: str
    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        """The checked content of results.json."""
        return read_results(self.folder)

    def value(self, metric: str, **where: str) -> Any:
        """The value of the first record of a metric."""
        return self.record(metric, **where)["value"]

    def record(self, metric: str, **where: str) -> dict[str, Any]:
        """The first record of a metric."""
        found: list[dict[str, Any]] = [record for record in self.results["records"] if record["metric"] == metric]
        return next(record for record in found if where.items() <= record.items())

    def says(self, *words: str) -> None:
        """Fail unless the output has all of these words and no stack trace."""
        missing = [word for word in words if word not in self.output]
        assert not missing, f"{missing} not in:\n{self.output}"
        assert "Traceback (most" not in self.output, self.output
        traced = re.findall(r"^(?:harness|conversion|targets|benchmarks)/\S+\.py:\d+: .*", self.output, re.MULTILINE)
        assert not traced, self.output
        assert "INTERNALERROR" not in self.output, self.output


RunSuite = Callable[..., SuiteRun]
MakeModel = Callable[..., Path]


def suite_command(*arguments: str | Path, default_target: bool = False, report: bool = False) -> list[str]:
    """The command line of a run; the stand-ins of this folder are there in every one, and the quickest target."""
    plugin = ("-p", "tests.benchmarks.stand_ins")
    target = () if default_target or "--target" in arguments else ("--target", "host")
    command = [sys.executable, "-m", "pytest", "benchmarks/", *plugin, *target, "--repeats", "3"]
    page = () if report else ("--no-report",)  # some seconds that few of these tests are about
    return [*command, *page, *map(str, arguments)]


def suite_environment(cache: Path, **changes: str) -> dict[str, str]:
    """The environment of a run, with a cache of its own and none of the outer pytest's variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ETHOS_BENCH_"))}
    return {**kept, "ETHOS_BENCH_CACHE": str(cache), "PYTHONPATH": str(CHECKOUT), **changes}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is a session of the suite."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.session)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite-cache")


def run_in(
    folder: Path,
    cache: Path,
    *arguments: str | Path,
    results: str = "results/run",
    default_target: bool = False,
    report: bool = False,
    **environment: str,
) -> SuiteRun:
    """A run of the suite with its results below a folder."""
    place = folder / results
    done = subprocess.run(
        suite_command("--results", place, *arguments, default_target=default_target, report=report),
        cwd=CHECKOUT,
        env=suite_environment(cache, **environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return SuiteRun(done.returncode, done.stdout + done.stderr, place)


@pytest.fixture
def run_suite(tmp_path: Path, shared_cache: Path) -> RunSuite:
    def run(*arguments: str | Path, cache: Path = shared_cache, **options: Any) -> SuiteRun:
        return run_in(tmp_path, cache, *arguments, **options)

    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> MakeModel:
    """Writes a model of tiny.py under a name."""

    @functools.cache
    def write(builder: str, name: str = "") -> Path:
        path = tmp_path_factory.mktemp("models") / f"{name or builder}.tflite"
        path.write_bytes(getattr(tiny, builder)())
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tiny.write_data(tmp_path / "data")
