"""A run in other tools' formats: each a function from a stored run to files by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.report.exports.action_benchmark import action_benchmark
from harness.report.exports.junit import junit
from harness.report.exports.mlia import mlia
from harness.report.exports.model_explorer import model_explorer
from harness.report.exports.pytest_benchmark import pytest_benchmark
from harness.report.exports.summary import summary
from harness.results.stored_run import StoredRun

FORMATS: Mapping[str, Callable[[StoredRun], dict[str, str]]] = {
    "markdown": summary,
    "junit": junit,
    "pytest-benchmark": pytest_benchmark,
    "github-action-benchmark": action_benchmark,
    "mlia": mlia,
    "model-explorer": model_explorer,
}
"""Name of a format -> the function that gives the text of its files."""
