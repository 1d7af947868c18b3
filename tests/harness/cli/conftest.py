"""A small detector for commands, beside an empty cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import tiny


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "detector.tflite"
    path.write_bytes(tiny.detector())
    return path
