"""The one reader of TOML: a file becomes frozen data, or an error that names the file, the field and what belongs there."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from core.errors import UsageError
from core.files import read_regular

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
Table = Mapping[str, object]
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
MOST_BYTES = 4 << 20
MOST_SHOWN = 40
"""Characters of a wrong value that a message repeats."""


def read_toml(path: Path, schema: type[T], what: str) -> T:
    """A file as `schema`, a (pydantic) dataclass or model; `what` it is, for the UsageError that says all that is wrong."""
    return checked(toml_content(path, what), schema, path, what)


def toml_content(path: Path, what: str) -> Table:
    """The tables of a file as they stand there; UsageError when it cannot be read or is no TOML."""
    try:
        return tomllib.loads(read_regular(path, MOST_BYTES).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{what} `{path}` cannot be read: {error.strerror or error}", "a TOML file") from error
    except RecursionError as error:
        raise UsageError(f"{what} `{path}` is nested too deeply", "a TOML file") from error
    except ValueError as error:  # TOMLDecodeError, no UTF-8, or a number without end
        raise UsageError(f"{what} `{path}` is no TOML file: {error}", "a TOML file in UTF-8") from error


def checked(content: Table, schema: type[T], path: Path, what: str) -> T:
    """The content of a file as `schema`; it is read as JSON, where lists may become tuples and strict stays strict."""
    adapter: TypeAdapter[T] = _adapter(schema)
    try:
        return adapter.validate_json(_as_json(content, path, what))
    except ValidationError as error:
        described = adapter.json_schema()
        wrong = [_complaint(found, described) for found in error.errors()]
        raise UsageError(
            f"{what} `{path}` is wrong: {'; '.join(found for found, _, _ in wrong)}",
            "; ".join(dict.fromkeys(expected for _, expected, _ in wrong if expected)),
            next((hint for _, _, hint in wrong if hint), ""),
        ) from error


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def _as_json(content: Table, path: Path, what: str) -> str:
    try:
        return json.dumps(content, default=str, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} `{path}` is wrong: {error}", "finite numbers, and tables of a few levels") from error


def _complaint(error: ErrorDetails, described: Mapping[str, object]) -> tuple[str, str, str]:
    """(what is wrong, what was expected, a hint that can be typed) of one complaint of pydantic's."""
    place = [part for part in error["loc"] if part != "[key]"]
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".") or "the file"
    if error["type"] in UNKNOWN_KEY:
        known = _properties(_described(described, place[:-1]))
        near = difflib.get_close_matches(str(place[-1]), known, 1)
        return f"`{name}`: unknown key", _one_of(known), f"{near[0]} = ..." if near else ""
    what = str(_described(described, place).get("description", "")).split("\n")[0]
    if error["type"] in ("missing", "missing_argument"):
        return f"`{name}` is missing", what, ""
    wanted = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    found = f"`{name}` is no name that belongs there" if "[key]" in error["loc"] else f"`{name}` is {_shown(error['input'])}"
    return found, f"{wanted} ({what})" if what else wanted, ""


def _one_of(known: Mapping[str, Mapping[str, object]]) -> str:
    """The keys of a table; its only key with what it is."""
    if len(known) == 1:
        ((name, only),) = known.items()
        return f"`{name}`: {only['description']}" if only.get("description") else f"`{name}`"
    return f"one of {', '.join(known)}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def _described(schema: Mapping[str, object], place: Sequence[str | int]) -> Mapping[str, object]:
    """What a JSON Schema says of a place in a document, {} where it says nothing."""
    found = _resolved(schema, schema)
    for part in place:
        below = found.get("items") if isinstance(part, int) else _properties(found).get(part, found.get("additionalProperties"))
        found = _resolved(schema, below) if isinstance(below, Mapping) else {}
    return found


def _properties(schema: Mapping[str, object]) -> Mapping[str, Mapping[str, object]]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _resolved(whole: Mapping[str, object], schema: Mapping[str, object]) -> Mapping[str, object]:
    """A schema with its reference followed; of what may be absent, the part that says what it is when it is there."""
    for choice in _choices(schema):
        if choice.get("type") != "null":
            schema = {**choice, **{key: value for key, value in schema.items() if key == "description"}}
    reference, definitions = schema.get("$ref"), whole.get("$defs")
    if not isinstance(reference, str) or not isinstance(definitions, Mapping):
        return schema
    followed = definitions[reference.rpartition("/")[2]]
    return {**followed, **schema} if isinstance(followed, Mapping) else schema


def _choices(schema: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = schema.get("anyOf")
    return [choice for choice in found if isinstance(choice, Mapping)] if isinstance(found, list) else []
