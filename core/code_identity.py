"""What a result depends on besides its inputs: our code that makes it, and the packages that this code imports.

Computed from the sources, never kept by hand: starting at the module that makes something, every module of ours that it imports
anywhere, at the top or inside a function, and theirs in turn. A module that is found by a name in a table (`import_module`) or
runs in a process of its own is not imported, and has to be given.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.files import sha256
from core.versions import package_of, version_of

OURS = frozenset({"benchmarks", "conversion", "core", "ethosu_simulator", "harness", "targets"})
ROOT = Path(__file__).parents[1]
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#;]+)|import[ \t]+(?P<modules>[^\n#;]+))",
    re.MULTILINE,
)
"""An import at the start of a line; twenty times as fast as parsing, and a test holds it against the parser on every file."""
COMMENT = re.compile(r"#[^\n]*")


@dataclass(frozen=True)
class CodeIdentity:
    """A digest of our sources, and package -> version of everything of others' that they import."""

    digest: str
    tools: dict[str, str]


def code_identity(modules: Iterable[str]) -> CodeIdentity:
    """The identity of the code that starts at these modules; a module that is not ours (a test, a script) adds nothing."""
    return _identity(tuple(sorted({module for module in modules if is_ours(module)})))


@cache
def _identity(modules: tuple[str, ...]) -> CodeIdentity:
    ours = import_closure(modules)
    text = "\0".join(f"{name}\0{_source(name)}" for name in ours)
    others = {package_of(name) for module in ours for name in _imported(module) if not is_ours(name) and _is_installed(name)}
    return CodeIdentity(sha256(text), {package: version_of(package) for package in sorted(others)})


def import_closure(modules: Iterable[str]) -> tuple[str, ...]:
    """Every module of ours that these import, themselves and their packages included, in alphabetical order."""
    found: set[str] = set()
    waiting = [module for module in modules if is_ours(module)]
    while waiting:
        module = waiting.pop()
        if module not in found and _path(module):
            found.add(module)
            waiting += filter(is_ours, _imported(module))
            waiting += [module.rpartition(".")[0]] * ("." in module)
    return tuple(sorted(found))


def is_ours(module: str) -> bool:
    """Whether a module is one of this project's."""
    return module.partition(".")[0] in OURS


def _is_installed(module: str) -> bool:
    """Whether a module of others' comes in a package, and not with Python."""
    return module.partition(".")[0] not in sys.stdlib_module_names


@cache
def _path(module: str) -> Path | None:
    """The source of a module of ours; None for a name inside a module."""
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@cache
def _source(module: str) -> str:
    path = _path(module)
    assert path is not None
    return path.read_text("utf-8")


@cache
def _imported(module: str) -> tuple[str, ...]:
    """The modules that a module of ours imports; names that may be modules are among them."""
    return tuple(dict.fromkeys(imports_of(_source(module))))


def imports_of(source: str) -> Iterator[str]:
    """Every module that a source names in an import, and for `from a import b` also `a.b`, which may be one."""
    for found in IMPORT.finditer(source):
        module = found["module"]
        if module:
            yield module
            yield from (f"{module}.{name}" for name in _names(found["names"]))
        else:
            yield from _names(found["modules"])


def _names(listed: str) -> Iterator[str]:
    """The names of an import's list, without what they are called here."""
    for part in COMMENT.sub("", listed).strip("() \t\n").split(","):
        name = part.split()
        if name and re.fullmatch(r"[\w.]+", name[0]):
            yield name[0]
