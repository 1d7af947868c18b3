"""An option is a field of a dataclass: its flag, how its value is written, its default, its bound and what it means.

pytest's options, click's options and docs/reference/options.md are made from these fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from core.errors import UsageError

METADATA = "option"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a field says of its option beside its type and default.

    `help` is Markdown, without capital and full stop. `default_text` is how the default is written where the value does not
    say it. `least` bounds a number. `parse` makes the value out of the text that the user gave.
    """

    flag: str
    help: str
    metavar: str = ""
    default_text: str = ""
    least: int | None = None
    parse: Callable[[str], object] | None = None


def option(
    flag: str,
    help: str,  # noqa: A002  # the word of pytest and click
    default: Any,
    *,
    metavar: str = "",
    default_text: str = "",
    least: int | None = None,
    parse: Callable[[str], object] | None = None,
) -> Any:
    """A field of a dataclass that is an option on the command line."""
    declared = Declaration(flag=flag, help=help, metavar=metavar, default_text=default_text, least=least, parse=parse)
    return field(default=default, metadata={METADATA: declared})


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option as the front doors need it; `group` is the dataclass that declares it.

    `kind` is the type of one value on the command line: str, int, Path, or bool for a switch; `choices` are all values that
    it takes, empty for any.
    """

    field: str
    group: type
    declared: Declaration
    default: Any
    kind: type
    choices: tuple[str, ...]
    repeatable: bool

    @property
    def metavar(self) -> str:
        """How a value is written: `N`, `NAME`, `arm|open`; empty for a switch."""
        return self.declared.metavar or "|".join(self.choices)

    @property
    def default_text(self) -> str:
        """The default in words, for people."""
        if self.declared.default_text:
            return self.declared.default_text
        if self.kind is bool:
            return "off"
        values = self.default if self.repeatable else () if self.default in (None, "") else (self.default,)
        return ", ".join(str(value) if isinstance(value, int) else f"`{value}`" for value in values) or "none"

    @property
    def plain_help(self) -> str:
        """The help where no Markdown is shown: a link becomes the path of the page in docs/."""
        return re.sub(r"\[[^]]*\]\((?:\.\./)*([^)]*)\)", r"docs/\1", self.declared.help)


def options_of(declaring: type) -> tuple[Option, ...]:
    """Every option of a dataclass, those that it inherits first."""
    hints = get_type_hints(declaring)
    return tuple(
        _option(declaring, one.name, hints[one.name], one.default, one.metadata[METADATA])
        for one in fields(declaring)
        if METADATA in one.metadata
    )


def option_of(declaring: type, name: str) -> Option:
    """The option that a field of a dataclass declares."""
    return next(one for one in options_of(declaring) if one.field == name)


def check_bounds(options: object) -> None:
    """Raise UsageError for a number below its bound."""
    for one in options_of(type(options)):
        value, least = getattr(options, one.field), one.declared.least
        if least is not None and value is not None and value < least:
            raise UsageError(f"{one.declared.flag} {value}", f"{least} or more")


def _option(declaring: type, name: str, hint: Any, default: Any, declared: Declaration) -> Option:
    assert default is not MISSING, f"the option {declared.flag} has no default"
    repeatable = get_origin(hint) is tuple
    kinds = [kind for kind in _alternatives(get_args(hint)[0] if repeatable else hint) if kind is not NoneType]
    words = tuple(word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind) if word)
    closed = all(get_origin(kind) is Literal for kind in kinds)
    return Option(
        field=name,
        group=next(group for group in reversed(declaring.__mro__) if name in vars(group).get("__annotations__", {})),
        declared=declared,
        default=default,
        kind=str if declared.parse or words else _plain(kinds),
        choices=words if closed else (),
        repeatable=repeatable,
    )


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _plain(kinds: list[Any]) -> type:
    (kind,) = kinds
    assert kind in (str, int, bool, Path), f"no option is of type {kind}"
    found: type = kind
    return found
