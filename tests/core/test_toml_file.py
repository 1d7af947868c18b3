"""One reader for every TOML: what is wrong is told by file, field and what belongs there."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import ConfigDict, Field

from core.errors import UsageError
from core.toml_file import read_toml
from tests.checkout import CHECKOUT


@dataclass(frozen=True)
class Fruit:
    """A table below."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    grams: Annotated[int, Field(gt=0, description="weight without the box")]
    kind: Literal["apple", "pear"] = "apple"
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Basket:
    """A whole file."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    owner: str
    fruit: dict[str, Fruit] = field(default_factory=dict)
    layers: list[Fruit] = field(default_factory=list)


def written(folder: Path, text: str) -> Path:
    path = folder / "basket.toml"
    path.write_text(text)
    return path


def test_a_file_becomes_frozen_data_with_its_lists_as_tuples(tmp_path: Path) -> None:
    path = written(tmp_path, 'owner = "me"\n[fruit.red]\ngrams = 3\nseeds = [1, 2]\n')
    assert read_toml(path, Basket, "basket") == Basket("me", {"red": Fruit(3, seeds=(1, 2))})


@pytest.mark.parametrize(
    ("text", "found", "expected", "hint"),
    [
        ("", "`owner` is missing", "", ""),
        ('owner = "me"\nowned = 1', "`owned`: unknown key", "one of owner, fruit, layers", "owner = ..."),
        ('owner = "me"\n[fruit.red]\ngrams = 0', "`fruit.red.grams` is 0", "greater than 0 (weight without the box)", ""),
        ('owner = "me"\n[fruit.red]\ngrams = "3"', '`fruit.red.grams` is "3"', "a valid integer (weight without the box)", ""),
        ('owner = "me"\n[fruit.red]\ngrm = 1', "`fruit.red.grams` is missing", "weight without the box", ""),
        ('owner = "me"\n[fruit.red]\ngrams = 1\ngrm = 1', "`fruit.red.grm`: unknown key", "one of grams, kind", "grams = ..."),
        ('owner = "me"\n[[layers]]\ngrams = 1\nkind = "plum"', '`layers[0].kind` is "plum"', "'apple' or 'pear'", ""),
        ('owner = "me"\nfruit = 2026-01-01', '`fruit` is "2026-01-01"', "an object", ""),
    ],
)
def test_what_is_wrong_is_the_field_with_what_belongs_there(
    tmp_path: Path, text: str, found: str, expected: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(str(tmp_path / "basket.toml"))) as caught:
        read_toml(written(tmp_path, text), Basket, "basket")
    assert found in caught.value.found
    assert expected in caught.value.expected
    assert caught.value.hint == hint or not hint


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`owner` is 1; `fruit\.red\.grams` is -1\n") as caught:
        read_toml(written(tmp_path, "owner = 1\n[fruit.red]\ngrams = -1"), Basket, "basket")
    assert caught.value.expected == "a valid string; greater than 0 (weight without the box)"


def test_a_long_value_is_not_repeated_whole(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_toml(written(tmp_path, f'owner = "me"\n[fruit.red]\ngrams = "{"x" * 500}"'), Basket, "basket")
    assert len(caught.value.found) < 200 + len(str(tmp_path))


@pytest.mark.parametrize("content", [b"owner = = 1", b"\xff\xfe\x00"])
def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "basket.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"basket `.*basket\.toml` is no TOML file"):
        read_toml(tmp_path / "basket.toml", Basket, "basket")


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.toml` cannot be read: No such file"):
        read_toml(tmp_path / "nothing.toml", Basket, "basket")


@pytest.mark.parametrize("text", [f"a = {'[' * 20_000}", f"a = {'9' * 10_000}", "a = 1e999", "a = nan"], ids=len)
def test_depth_and_numbers_without_end_are_usage_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "file.toml").write_text(text)
    with pytest.raises(UsageError, match=r"file\.toml"):
        read_toml(tmp_path / "file.toml", dict, "file")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        read_toml(tmp_path / "file.toml", dict, "file")


def test_nobody_else_reads_toml_but_the_simulator_that_stands_alone() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    ours = [name for name in listed.split() if not name.startswith(("tests/", "targets/runner/", "ethosu_simulator/"))]
    assert [name for name in ours if "tomllib" in (CHECKOUT / name).read_text()] == ["core/toml_file.py"]
