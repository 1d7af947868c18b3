"""`ethos-bench run`: pytest on the suite that came with this copy, whatever lies in the user's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.cache import cache_root
from core.redaction import redacted_command
from harness.pytest_plugin.entry import PLUGIN, SUITE

SETTINGS = Path(__file__).with_name("suite.ini")
COMMAND = "ethos-bench run"
FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""Environment variables that are meant for the pytest of somebody's own tests."""


def run_suite(given: Sequence[str], folder: Path) -> int:
    """The exit code of the suite with pytest's options `given`, with results below `folder`."""
    with _without_foreign_settings():
        return int(pytest.main([*_settings(folder, given), *given, str(SUITE)]))


def typed(arguments: Sequence[object], folder: Path) -> str:
    """What the user typed to start the session that pytest got `arguments` for, without secrets."""
    texts = [str(argument) for argument in arguments]
    settings = _settings(folder, texts)
    if texts[: len(settings)] == settings:
        return redacted_command([COMMAND, *texts[len(settings) : -1]])
    return redacted_command(["pytest", *texts])


def _settings(folder: Path, given: Sequence[str]) -> list[str]:
    """What comes before the user's own: our settings alone, and the plugins' notes in our cache, not in the user's folder.

    pytest knows no option for its own notes where `given` turns them off.
    """
    notes = cache_root() / "pytest"
    places = ["--benchmark-storage", f"file://{notes}/benchmarks"]
    if not {"no:cacheprovider", "-pno:cacheprovider"} & set(given):
        places += ["-o", f"cache_dir={notes}"]
    return ["-c", str(SETTINGS), "--rootdir", str(folder), "--confcutdir", str(SUITE), "-p", PLUGIN, *places]


@contextmanager
def _without_foreign_settings() -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in FOREIGN if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
