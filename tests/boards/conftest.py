"""Artefacts and boards that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.records.artefact import Artefact
from tests.benchmarks.conftest import model, run_suite, shared_cache  # noqa: F401  # fixtures of the whole suite
from tests.benchmarks.kinds import several_inputs
from tests.boards.boards import Lab, TestBoard
from tests.boards.session import board, lab, reason
from tests.contract.test_target import two_outputs


@pytest.fixture(scope="session")
def _artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("board-artefacts")


def _compiled(folder: Path, name: str, content: bytes) -> Artefact:
    path = folder / f"{name}.tflite"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(folder / "cache"))
        return compile_source(tflite_source(path), load_profile("ethos-u65-256"), VelaOptions(), lambda _: None)


@pytest.fixture(scope="session")
def small(_artefacts: Path) -> Artefact:
    """A model of two convolutions, milliseconds of work."""
    return _compiled(_artefacts, "small", two_outputs())


@pytest.fixture(scope="session")
def mixed(_artefacts: Path) -> Artefact:
    """A model with an int8, a uint8 and an int16 input, each with an output of its own."""
    return _compiled(_artefacts, "mixed", several_inputs())


@pytest.fixture
def image() -> NDArray[np.int8]:
    """An input of `small`."""
    return np.random.default_rng(1).integers(-128, 128, (1, 16, 16, 8), dtype=np.int8)


@pytest.fixture
def native() -> Iterator[TestBoard]:
    """The session's native board with its usual targets file."""
    if why := reason():
        pytest.skip(why)
    found = board("native")
    lab().write()
    yield found
    lab().write()


@pytest.fixture
def the_lab(native: TestBoard) -> Lab:
    """The lab of the session's boards."""
    return lab()
