"""Options as fields of dataclasses: what is read of a declaration, and its bound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from core.errors import UsageError
from core.option_fields import check_bounds, option, option_of, options_of


@dataclass(frozen=True, kw_only=True)
class Cup:
    size: Literal["", "small", "large"] = option("--size", "how large it is", "", default_text="what fits")
    pieces: int = option("--pieces", "pieces of sugar ([guide](../guides/sugar.md))", 2, metavar="N", least=1)
    held: bool = False
    """No option."""


@dataclass(frozen=True, kw_only=True)
class Tray(Cup):
    names: tuple[str, ...] = option("--name", "who drinks", ("you",), metavar="NAME")
    file: Path | None = option("--file", "where it is written", None, metavar="FILE")
    water_c: int | Literal["auto"] | None = option("--water", "how hot", None, metavar="N|auto", parse=int)
    quick: bool = option("--quick", "do not wait", False)


def test_a_field_is_an_option_only_when_it_says_so() -> None:
    assert [one.field for one in options_of(Tray)] == ["size", "pieces", "names", "file", "water_c", "quick"]


def test_an_option_belongs_to_the_dataclass_that_declares_it() -> None:
    assert {one.field: one.group for one in options_of(Tray) if one.field in ("pieces", "file")} == {
        "pieces": Cup,
        "file": Tray,
    }


@pytest.mark.parametrize(
    ("field", "kind", "choices", "repeatable", "metavar", "default_text"),
    [
        ("size", str, ("small", "large"), False, "small|large", "what fits"),
        ("pieces", int, (), False, "N", "2"),
        ("names", str, (), True, "NAME", "`you`"),
        ("file", Path, (), False, "FILE", "none"),
        ("water_c", str, (), False, "N|auto", "none"),
        ("quick", bool, (), False, "", "off"),
    ],
)
def test_the_type_of_a_field_says_how_its_option_is_read(
    field: str, kind: type, choices: tuple[str, ...], repeatable: bool, metavar: str, default_text: str
) -> None:
    one = option_of(Tray, field)
    assert (one.kind, one.choices, one.repeatable) == (kind, choices, repeatable)
    assert (one.metavar, one.default_text) == (metavar, default_text)


def test_help_without_markdown_names_the_page_in_docs() -> None:
    assert option_of(Cup, "pieces").plain_help == "pieces of sugar (docs/guides/sugar.md)"


def test_a_number_below_its_bound_is_refused_by_the_name_of_its_option() -> None:
    check_bounds(Tray(pieces=1))
    with pytest.raises(UsageError, match="--pieces 0") as caught:
        check_bounds(Tray(pieces=0))
    assert caught.value.expected == "1 or more"
