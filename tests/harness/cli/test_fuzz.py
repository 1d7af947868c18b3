"""Whatever the input: no traceback from a command, an exit code as pinned, and an end.

A fixed seed and a fixed number of cases; `make fuzz-commands` runs for as long as it is told.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.harness.cli.fuzz.__main__ import fuzz
from tests.harness.cli.fuzz.kinds import KINDS
from tests.harness.cli.fuzz.mutations import mutated


def test_a_seed_gives_the_same_files_each_time() -> None:
    first, again = ([mutated(b'{"a": [1, 2]}', random.Random(seed)) for seed in range(50)] for _ in range(2))
    assert first == again
    assert len(set(first)) > 40


@pytest.mark.slow
def test_every_command_ends_as_pinned_on_mutated_files_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    quick = [name for name, kind in KINDS.items() if not kind.slow]
    found = fuzz(seed=1, cases=len(quick) + len(KINDS))
    assert found.bad == []
    assert found.cases == {name: 1 if kind.slow else 2 for name, kind in KINDS.items()}
