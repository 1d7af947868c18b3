"""`ethos-bench cache`: what it holds, and what prune says it did."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.cache import entry
from core.cache_use import let_go
from harness.cli import main


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["cache", *arguments])


def make(folder: Path) -> None:
    (folder / "file").write_bytes(bytes(10_000))


def test_an_empty_cache_is_said_to_be_empty(cache: Path) -> None:
    done = run("size")
    assert done.exit_code == 0
    assert "0B in 0 entries, limit 20GB (ETHOS_BENCH_CACHE_LIMIT)" in done.output
    assert not cache.exists()


def test_the_size_is_told_by_kind_with_what_is_in_use_and_what_is_no_entry(cache: Path) -> None:
    for kind, number in (("compile", 1), ("compile", 2), ("export", 1)):
        entry(kind, {"a": number}, make)
    (cache / "fvp").mkdir()
    (cache / "fvp" / "big").write_bytes(bytes(5000))
    lines = run("size").output.splitlines()
    assert "kB in 3 entries" in lines[0]
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["compile", "2", "entries"],
        ["export", "1", "entries"],
        ["fvp", "5kB", "not"],
    ]
    assert lines[1].endswith("oldest use 0 days ago, 2 in use")


def test_prune_says_what_it_removed_and_what_it_kept_because_it_is_in_use() -> None:
    entry("compile", {"a": 1}, make)
    let_go()
    entry("export", {"a": 1}, make)
    done = run("prune", "--to", "0B")
    assert done.exit_code == 0
    assert "removed 1 entries, 10." in done.output
    assert "kept 1 more (10." in done.output
    assert "running processes use them" in done.output


def test_without_options_prune_keeps_to_the_limit() -> None:
    entry("compile", {"a": 1}, make)
    let_go()
    assert "removed 0 entries, 0B" in run("prune").output


@pytest.mark.parametrize(("option", "words"), [(("--to", "much"), "is no size"), (("--older-than", "3"), "is no time")])
def test_what_is_no_size_or_time_is_a_usage_error(option: tuple[str, str], words: str) -> None:
    done = run("prune", *option)
    assert done.exit_code == 2
    assert words in done.output
