"""What a result depends on is computed from the sources: no list is kept by hand."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies.speed.identities import ENTRIES
from core import code_identity as module
from core.code_identity import OURS, code_identity, import_closure, imports_of, is_ours
from core.toml_file import toml_content
from core.versions import ABSENT, package_of, version_of
from tests.checkout import CHECKOUT

SOURCES = sorted(path for package in OURS for path in (CHECKOUT / package).rglob("*.py"))


def parsed_imports(source: str) -> set[str]:
    """What Python's own parser says that a source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "relative imports are not in use"
            assert not node.level, "relative imports are not in use"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_the_fast_scan_finds_every_import_that_pythons_parser_finds_in_every_file() -> None:
    assert len(SOURCES) > 200
    for path in SOURCES:
        source = path.read_text("utf-8")
        assert parsed_imports(source) <= set(imports_of(source)), path


def test_the_packages_are_those_of_the_import_contracts() -> None:
    written: Any = toml_content(CHECKOUT / "pyproject.toml", "project")["tool"]
    assert set(written["importlinter"]["root_packages"]) == OURS


def test_every_package_of_others_that_is_imported_anywhere_is_known_by_its_name() -> None:
    brings = importlib.metadata.packages_distributions()
    others = {name.partition(".")[0] for path in SOURCES for name in imports_of(path.read_text("utf-8"))}
    for name in sorted(others - OURS - set(sys.stdlib_module_names) - {"tests"}):
        if name in brings and importlib.util.find_spec(name):
            known = {package.lower().replace("_", "-") for package in brings[name]}
            assert package_of(name).lower() in known, name
            assert version_of(package_of(name)) != ABSENT


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project: core.maker imports core.reader inside a function, which imports numpy; core.other stands alone."""
    (tmp_path / "core").mkdir()
    files = {
        "__init__": "",
        "maker": "def make():\n    from core import (\n        reader,  # (a comment)\n    )\n    return reader.read()\n",
        "reader": "import numpy as np\n\nSETTING = 1\n\ndef read():\n    return np.zeros(SETTING)\n",
        "other": "import os\n",
    }
    for name, text in files.items():
        (tmp_path / "core" / f"{name}.py").write_text(text)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    forget()
    return tmp_path / "core"


@pytest.fixture(autouse=True)
def forgetting() -> object:
    yield None
    forget()


def forget() -> None:
    for memo in (module._identity, module._path, module._source, module._imported):
        memo.cache_clear()


def test_a_closure_holds_what_is_imported_inside_functions_and_nothing_else(tree: Path) -> None:
    assert import_closure(["core.maker"]) == ("core", "core.maker", "core.reader")


def test_a_change_anywhere_in_the_closure_is_another_identity_and_one_outside_is_not(tree: Path) -> None:
    before = code_identity(["core.maker"])
    (tree / "other.py").write_text("import sys\n")
    forget()
    assert code_identity(["core.maker"]) == before
    (tree / "reader.py").write_text((tree / "reader.py").read_text().replace("SETTING = 1", "SETTING = 2"))
    forget()
    assert code_identity(["core.maker"]).digest != before.digest


def test_the_versions_of_what_the_closure_imports_of_others_are_part_of_it(tree: Path) -> None:
    assert code_identity(["core.maker"]).tools == {"numpy": importlib.metadata.version("numpy")}
    assert code_identity(["core.other"]).tools == {}


def test_a_module_that_is_not_ours_adds_nothing() -> None:
    assert not is_ours("tests.core.test_cache")
    assert code_identity(["tests.core.test_cache", "__main__"]) == code_identity([])


def test_the_identities_of_a_whole_session_read_each_source_once(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    read: list[Path] = []
    read_text = Path.read_text

    def counted(path: Path, *arguments: Any, **options: Any) -> str:
        read.append(path)
        return read_text(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", counted)
    for modules in ENTRIES.values():
        code_identity(modules)
    sources = [path for path in read if path.suffix == ".py"]
    assert len(sources) > 50
    assert len(sources) == len(set(sources))
