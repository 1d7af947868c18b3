"""Other versions of Vela: which a word names, and what their environments promise.

Covers conversion.velas.environments, conversion.velas.versions.
"""

from __future__ import annotations

import re
import types
from pathlib import Path

import pytest

from conversion.vela import vela_executable
from conversion.velas import environments
from conversion.velas.environments import executable_of, folder_of, is_at_hand
from conversion.velas.versions import LOCKS, installed_version, known_versions, numbers, version_named, versions_named
from core.errors import ToolMissing, UsageError


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


@pytest.mark.parametrize("words", ["4.9", "vela", "4.2..", "..", "", "4.2.0.1", "5.0..9.9", "4.2,nonsense", "../../x"])
def test_a_version_that_nobody_knows_is_refused_with_those_that_are_known(words: str) -> None:
    with pytest.raises(UsageError) as told:
        versions_named(words)
    assert "3.9.0" in told.value.expected
    assert "ethos-bench velas list" in str(told.value)


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
