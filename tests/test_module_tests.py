"""Every module of the installed packages has a place where it is tested: a test of its own name, or one that names it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT
from tests.production import dotted, modules

STUDIES = Path("benchmarks/studies")
"""Our own measurements: not installed, run by hand."""
TESTS = sorted((CHECKOUT / "tests").rglob("*.py"))


def names_in(source: str) -> set[str]:
    """Every module that a test imports, names in its docstring, or patches by name."""
    found = set(re.findall(r"\b[a-z_]\w*(?:\.\w+)+", source))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def holds_code(path: Path) -> bool:
    """Whether a module is more than the docstring of a package."""
    return len(ast.parse((CHECKOUT / path).read_text("utf-8")).body) > 1


@pytest.fixture(scope="module")
def named() -> set[str]:
    return {name for path in TESTS for name in names_in(path.read_text("utf-8"))}


def test_every_module_is_named_in_a_test_or_has_one_of_its_name(named: set[str]) -> None:
    own = {path.relative_to(CHECKOUT / "tests") for path in TESTS}
    production = [path for path in modules() if STUDIES not in path.parents and holds_code(path)]
    homeless = [
        dotted(path) for path in production if dotted(path) not in named and path.with_name(f"test_{path.stem}.py") not in own
    ]
    assert homeless == []


def test_no_test_names_a_module_that_is_gone() -> None:
    there = {dotted(path) for path in modules()}
    for path in TESTS:
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        listed = re.search(r"^Covers (.*?)\.$", docstring, re.MULTILINE | re.DOTALL)
        gone = [name for name in re.split(r"[,\s]+", listed[1]) if name not in there] if listed else []
        assert gone == [], path
