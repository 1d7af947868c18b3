"""The tables of what is bit-exact, coded or not modelled are those of the code and of the last counted run."""

from __future__ import annotations

import json

from tests.ethosu_simulator.coverage import COUNTS, is_stale


def test_the_coverage_tables_are_not_stale() -> None:
    assert not (why := is_stale()), f"{why}\nhint: python -m tests.ethosu_simulator.coverage"


def test_the_counted_run_had_no_mismatch() -> None:
    statuses = json.loads(COUNTS.read_text())["statuses"]
    assert statuses["equal"] >= 450
    assert not {"differs", "crashed", "refused", "not modelled"} & set(statuses)
