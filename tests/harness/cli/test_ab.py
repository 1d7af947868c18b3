"""`ethos-bench ab`: what it refuses, and how it words a verdict."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from harness.cli import main
from harness.cli.ab import told
from harness.statistics.shift import rounds_shift


def ab(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["ab", *map(str, arguments)])


def test_fewer_rounds_than_give_an_interval_are_refused(file: Path) -> None:
    done = ab(file, file, "--rounds", "7")
    assert done.exit_code == 2
    assert "8 or more: fewer give no interval" in done.output


def test_a_target_that_measures_no_time_is_refused_by_name(file: Path) -> None:
    done = ab(file, file, "--target", "sim", "--rounds", "8", "--repeats", "8")
    assert done.exit_code == 1
    assert "sim has no latency" in done.output
    assert "a target that measures" in done.output


def test_a_model_that_is_not_there_is_refused(tmp_path: Path, file: Path) -> None:
    assert "nothing.tflite` does not exist" in ab(file, tmp_path / "nothing.tflite").output


def test_the_verdict_has_both_ends_of_its_interval_and_what_would_have_been_seen() -> None:
    first = [[1000.0 + turn + sample for sample in range(5)] for turn in range(10)]
    second = [[1.2 * sample for sample in turn] for turn in first]
    text = told(rounds_shift(first, second, 0.02))
    assert text.startswith("slower: B against A +20.0")
    assert "this sample would have shown" in text
