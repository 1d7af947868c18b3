"""Files are UTF-8 whatever the locale says: no text is read or written in an encoding that nobody named."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.checkout import CHECKOUT
from tests.production import modules

RUNNER = "targets/runner"
"""Runs on boards and reads what a kernel says: ASCII."""


def unnamed(tree: ast.AST) -> Iterator[int]:
    """Lines of calls that read or write text without an encoding."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        named = any(keyword.arg == "encoding" for keyword in node.keywords)
        places = {"read_text": 1, "write_text": 2}
        if node.func.attr in places and len(node.args) < places[node.func.attr] and not named:
            yield node.lineno
        mode = node.args[0] if node.func.attr == "open" and node.args else None
        if isinstance(mode, ast.Constant) and mode.value in ("r", "w", "a", "x") and not named:
            yield node.lineno


def test_every_text_names_its_encoding() -> None:
    found = {
        f"{path}:{line}"
        for path in modules()
        if not path.as_posix().startswith(RUNNER)
        for line in unnamed(ast.parse((CHECKOUT / path).read_text("utf-8")))
    }
    assert found == set()
