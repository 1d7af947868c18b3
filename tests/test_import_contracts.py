"""The import contracts cover every folder, and code that breaks a layer makes `lint-imports` fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.toml_file import toml_content
from tests.checkout import CHECKOUT
from tests.production import dotted, modules

CONTRACTS: Any = toml_content(CHECKOUT / "pyproject.toml", "project")["tool"]
NO_CODE = {"docs", "tests"}
"""Top-level folders that no contract is about."""


def test_the_root_packages_are_the_top_level_folders() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    folders = {name.partition("/")[0] for name in listed if "/" in name and name.endswith(".py")} - NO_CODE
    assert set(CONTRACTS["importlinter"]["root_packages"]) == folders


def test_every_folder_with_code_is_a_package_so_that_no_contract_passes_it_over() -> None:
    folders = {path.parent for path in modules()}
    assert [folder for folder in sorted(folders) if not (CHECKOUT / folder / "__init__.py").is_file()] == []


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The production code and its contracts in a folder of their own."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in modules():
        (folder / path.parent).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / path, folder / path)
    shutil.copyfile(CHECKOUT / "pyproject.toml", folder / "pyproject.toml")
    return folder


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    if not program.is_file():
        pytest.skip("needs import-linter")
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([program, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_code_as_it_is_keeps_every_contract(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "upwards"),
    [
        ("core/breaking.py", "conversion.variants"),
        ("conversion/breaking.py", "targets.target"),
        ("harness/statistics/breaking.py", "harness.report.tables"),
        ("ethosu_simulator/breaking.py", "core.errors"),
        ("harness/new_room/__init__.py", "core.errors"),
    ],
)
def test_a_module_that_breaks_a_layer_fails(copy: Path, module: str, upwards: str) -> None:
    path = copy / module
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"import {upwards}\n")
    try:
        done = lint_imports(copy)
    finally:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    assert done.returncode == 1, done.stdout
    assert dotted(Path(module)) in done.stdout
