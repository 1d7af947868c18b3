"""Production code stays in pieces that can be read: the length of functions and files, and cognitive complexity."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from core.code_identity import OURS
from tests.checkout import CHECKOUT
from tests.production import modules

MOST_LINES = 45
FEW_LINES = 25
FEW_SHARE = 0.95
MOST_COMPLEX = 20
MOST_POSITIONAL = 4
FILE_LINES = 300
TABLES: tuple[str, ...] = ("core/metrics.py", "ethosu_simulator/registers.py")
"""Files that are tables of data: a row is read, not the file."""


def functions(source: str) -> Iterator[tuple[str, int]]:
    """(name, lines) of every function, methods and inner ones included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.fixture(scope="module")
def lengths() -> list[tuple[str, int]]:
    return [
        (f"{path.as_posix()}:{name}", lines)
        for path in modules()
        for name, lines in functions((CHECKOUT / path).read_text("utf-8"))
    ]


def test_no_function_is_longer_than_45_lines(lengths: list[tuple[str, int]]) -> None:
    assert [name for name, lines in lengths if lines > MOST_LINES] == []


def test_of_all_functions_95_percent_are_under_25_lines(lengths: list[tuple[str, int]]) -> None:
    assert sum(lines < FEW_LINES for _, lines in lengths) / len(lengths) >= FEW_SHARE


def test_files_are_under_300_lines_but_for_tables() -> None:
    long = {path.as_posix() for path in modules() if len((CHECKOUT / path).read_text("utf-8").splitlines()) >= FILE_LINES}
    assert long <= {*TABLES}


def test_no_function_has_a_cognitive_complexity_over_20() -> None:
    complexipy = pytest.importorskip("complexipy")
    found = {
        f"{path.as_posix()}:{function.name}"
        for path in modules()
        for function in complexipy.file_complexity(str(CHECKOUT / path)).functions
        if function.complexity > MOST_COMPLEX
    }
    assert found == set()


def test_the_length_of_a_function_is_what_stands_between_its_def_and_its_end() -> None:
    source = (
        "def a():\n    return 1\n\n\nclass C:\n    async def b(\n        self,\n    ):\n        def c():\n            pass\n"
    )
    assert sorted(functions(source)) == [("a", 2), ("b", 5), ("c", 2)]


def data_classes(sources: dict[str, ast.Module]) -> set[str]:
    """The names of all data classes."""
    return {
        node.name
        for tree in sources.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
    }


def positional(tree: ast.Module, names: set[str]) -> Iterator[str]:
    """Calls that give a data class of ours more than four fields by their place; a name of another package's is no such."""
    foreign = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] not in OURS
        for alias in node.names
    }
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) > MOST_POSITIONAL)
    for node in calls:
        if isinstance(node.func, ast.Name) and node.func.id in names - foreign:
            yield f"{node.func.id}:{node.lineno}"


def test_no_call_gives_a_data_class_more_than_four_fields_by_their_place() -> None:
    sources = {path.as_posix(): ast.parse((CHECKOUT / path).read_text("utf-8")) for path in modules()}
    names = data_classes(sources)
    assert [f"{path}:{call}" for path, tree in sources.items() for call in positional(tree, names)] == []
