"""Small models compiled once per session, and programs that pretend to be Vela."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest

from conversion.profile_files import load_profile
from conversion.vela import compile_model
from core.records.artefact import Compilation
from tests.conversion import tflite_builder

Compile = Callable[[str, str], Compilation]
FakeVela = Callable[[str], str]


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes the file that the builder function of this name makes."""

    @functools.cache
    def write(name: str) -> Path:
        path = tmp_path_factory.mktemp("models") / f"{name}.tflite"
        path.write_bytes(getattr(tflite_builder, name)())
        return path

    return write


@pytest.fixture(scope="session")
def compiled(model_file: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compiles a model of the builder's for a profile, once per session."""

    @functools.cache
    def run(name: str, profile: str) -> Compilation:
        return compile_model(model_file(name), load_profile(profile), tmp_path_factory.mktemp("compiled"))

    return run


@pytest.fixture
def fake_vela(tmp_path: Path) -> FakeVela:
    """Writes a shell script that answers `--version` like Vela and otherwise runs the given lines."""

    def write(lines: str) -> str:
        path = tmp_path / "fake-vela"
        path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo 4.2.0; exit 0; fi\n{lines}\n')
        path.chmod(0o755)
        return str(path)

    return write
