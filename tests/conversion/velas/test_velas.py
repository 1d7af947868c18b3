"""Other versions of Vela: which a word names, and what their environments promise.

Covers conversion.velas.environments, conversion.velas.versions.
"""

from __future__ import annotations

import re
import types
from pathlib import Path

import pytest

from conversion.vela import vela_executable, vela_version
from conversion.velas import environments
from conversion.velas.environments import executable_of, folder_of, is_at_hand
from conversion.velas.versions import LOCKS, installed_version, known_versions, name_of, numbers, version_named, versions_named
from core.errors import EthosBenchError, ToolMissing, UsageError
from core.files import file_sha256
from tests.conversion.velas.bsp import bsp_vela


def test_a_range_holds_both_its_ends_and_everything_between_oldest_first() -> None:
    found = versions_named("4.2.0..5.1.0")
    assert (found[0], found[-1]) == ("4.2.0", "5.1.0")
    assert list(found) == [one for one in known_versions() if (4, 2, 0) <= numbers(one) <= (5, 1, 0)]
    assert list(found) == sorted(found, key=numbers)


def test_a_short_word_names_the_newest_version_that_begins_with_it() -> None:
    assert version_named("4.4") == "4.4.1"
    assert version_named("3") == "3.12.0"
    assert versions_named("4.2..5.0")[-1] == "5.0.0"
    assert versions_named("5.0, 3.9 ,5.0.0") == ("3.9.0", "5.0.0")


@pytest.mark.parametrize("words", ["4.9", "vela", "4.2..", "..", "", "4.2.0.1", "5.0..9.9", "4.2,nonsense"])
def test_a_version_that_nobody_knows_is_refused_with_those_that_are_known(words: str) -> None:
    with pytest.raises(UsageError) as told:
        versions_named(words)
    assert "3.9.0" in told.value.expected
    assert "ethos-bench velas list" in str(told.value)


def test_an_executable_is_told_apart_from_the_published_vela_of_its_version_and_stands_behind_it(tmp_path: Path) -> None:
    own = bsp_vela(tmp_path / "vela")
    published, found = versions_named(f"{own},{installed_version()}")
    assert published == installed_version()
    assert name_of(found) == f"{installed_version()}-{file_sha256(own)[:8]}"
    assert numbers(found) == numbers(published)
    assert executable_of(found) == own
    assert vela_version(vela_executable()) == installed_version()


def test_a_path_where_another_vela_lies_than_when_it_was_named_is_refused(tmp_path: Path) -> None:
    (named,) = versions_named(str(bsp_vela(tmp_path / "vela")))
    bsp_vela(tmp_path / "vela", "# updated")
    with pytest.raises(ToolMissing, match=re.escape("as it was when it was named")):
        executable_of(named)


@pytest.mark.parametrize(
    ("content", "mode", "kind", "told"),
    [
        (None, 0, ToolMissing, "no program that can be run"),
        ("#!/bin/sh\necho 5.2.0\n", 0o644, ToolMissing, "is not executable"),
        ("#!/bin/sh\necho hello\n", 0o755, UsageError, "is no Vela: `--version` printed `hello`"),
        ("#!/bin/sh\nexit 3\n", 0o755, UsageError, "is no Vela"),
        ("#!/no/such/interpreter\n", 0o755, UsageError, "cannot be run"),
    ],
)
def test_a_path_without_a_vela_is_refused_in_words(
    tmp_path: Path, content: str | None, mode: int, kind: type[EthosBenchError], told: str
) -> None:
    path = tmp_path / "vela"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with pytest.raises(kind, match=re.escape(told)):
        versions_named(str(path))


def test_a_range_the_wrong_way_round_is_refused_and_the_right_one_said() -> None:
    with pytest.raises(UsageError, match=r"5\.0\.\.4\.2") as told:
        versions_named("5.0..4.2")
    assert "4.2..5.0" in told.value.expected


@pytest.mark.parametrize("version", [one for one in known_versions() if one != installed_version()])
def test_each_lock_pins_its_own_version_and_everything_in_it_by_hash(version: str) -> None:
    text = (LOCKS / f"{version}.lock").read_text("utf-8")
    assert f"ethos-u-vela=={version} " in text
    pinned = re.findall(r"^([\w-]+)==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    blocks = re.split(r"^(?=[\w-]+==)", text, flags=re.MULTILINE)[1:]
    assert pinned
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_installed_version_needs_no_environment() -> None:
    assert executable_of(installed_version()) == vela_executable()
    assert is_at_hand(installed_version())


def test_a_version_is_not_at_hand_before_it_was_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    assert not is_at_hand("4.2.0")
    assert tmp_path in folder_of("4.2.0").parents


def test_a_python_without_numpy_1_is_told_so_before_anything_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "sys", types.SimpleNamespace(version_info=(3, 13, 0), prefix=""))
    with pytest.raises(ToolMissing, match=r"Vela 4\.5\.0 counts on numpy 1.*this is 3\.13"):
        executable_of("4.5.0")
