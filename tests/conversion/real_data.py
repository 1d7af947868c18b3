"""The real models, where they exist."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT


def real_model(relative: str) -> Path:
    """A file below the data folder's models; skips the test, saying why, where there is none."""
    folder = Path(os.environ.get("ETHOS_BENCH_TEST_DATA") or CHECKOUT.parent / "shared")
    path = folder / "models" / relative
    if not path.is_file():
        pytest.skip(f"needs {path}: set ETHOS_BENCH_TEST_DATA to the folder of the real models")
    return path
