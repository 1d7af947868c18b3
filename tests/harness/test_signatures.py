"""What is read is typed: mappings of anything stand in signatures only where files are written, and in formats of others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import CHECKOUT

ANYTHING = re.compile(r"\b([dD]ict|Mapping|MutableMapping)\[str, (Any|object)\]")
WRITERS = {
    "bundle/contents.py": 1,
    "cli/diff.py": 1,
    "cli/inspect.py": 2,
    "cli/inspect_compiled.py": 1,
    "cli/inspect_rules.py": 1,
    "cli/inspect_speed.py": 1,
    "cli/velas.py": 1,
    "history/rows.py": 2,
    "results/findings.py": 1,
    "results/results_file.py": 2,
    "results/stored_run.py": 1,
}
"""Modules that make JSON or a row of a database of what is typed -> how many of their functions give one."""
FOREIGN = {
    "report/exports/action_benchmark.py": 1,
    "report/exports/mlia.py": 8,
    "report/exports/model_explorer.py": 1,
    "report/exports/pytest_benchmark.py": 1,
    "tasks/detect/data_yaml.py": 2,
    "tasks/detect/detections.py": 3,
    "tasks/runtimes.py": 1,
}
"""Modules that write or read a format of others (COCO, MLIA, ultralytics' YAML, a TFLite runtime's details)."""


def signatures(source: str) -> Iterator[str]:
    """The signature of every function, as text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else None}"


def untyped(folder: Path) -> dict[str, int]:
    """Module -> how many of its signatures hold a mapping of anything."""
    found = {
        path.relative_to(folder).as_posix(): sum(bool(ANYTHING.search(one)) for one in signatures(path.read_text("utf-8")))
        for path in sorted(folder.rglob("*.py"))
    }
    return {name: count for name, count in found.items() if count}


def test_mappings_of_anything_stand_only_where_files_are_written_and_in_formats_of_others() -> None:
    allowed = WRITERS | FOREIGN
    assert {name: n for name, n in untyped(CHECKOUT / "harness").items() if n > allowed.get(name, 0)} == {}


def test_the_list_of_these_modules_is_no_longer_than_it_has_to_be() -> None:
    found = untyped(CHECKOUT / "harness")
    assert {name: n for name, n in (WRITERS | FOREIGN).items() if found.get(name, 0) < n} == {}


def test_the_check_sees_one(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "def f(x: 'int', y: Mapping[str, object]) -> int: ...\ndef g() -> list[dict[str, Any]]: ...\n"
    )
    assert untyped(tmp_path) == {"a.py": 2}
