"""Thresholds are read as the grammar says, held against the right figure, and never passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.errors import UsageError
from core.records.evidence import Evidence
from core.records.unavailable import Unavailable
from harness.acceptance.thresholds import Threshold, answer, parse_threshold, read_acceptance
from tests.checkout import CHECKOUT
from tests.harness.builders import measurement

SESSION = (["level2_relu", "level3_relu"], ["ethos-u65-256"], ["host"])
RELEASE = CHECKOUT / "benchmarks" / "acceptance" / "release.toml"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("latency_us[p95] <= 45000 @ measured", ("latency_us", "p95", "", "<=", 45000.0, "measured")),
        ("latency_us[median]<45_000", ("latency_us", "median", "", "<", 45000.0, "")),
        ("map50_95_drop <= 0.010", ("map50_95_drop", "", "int8", "<=", 0.01, "")),
        ("map50_95_drop[high] <= 0.02", ("map50_95_drop", "high", "int8", "<=", 0.02, "")),
        ("map50_95[npu] >= .6 @ simulated-open", ("map50_95", "", "npu", ">=", 0.6, "simulated-open")),
        ("class_map50[Green Light, int8] > 0.5", ("class_map50", "Green Light", "int8", ">", 0.5, "")),
        ("class_map50[int8, Green Light] > 0.5", ("class_map50", "Green Light", "int8", ">", 0.5, "")),
        ("npu_mac_share >= 0.99", ("npu_mac_share", "", "", ">=", 0.99, "")),
        ("memory_bytes[sram] <= 1e6", ("memory_bytes", "sram", "", "<=", 1e6, "")),
        ("estimated_us <= 120_000", ("estimated_us", "vela", "", "<=", 120_000.0, "")),
        ("estimated_us[open_high] <= 5e4", ("estimated_us", "open_high", "", "<=", 5e4, "")),
        ("arena_bytes <= 2_000_000", ("arena_bytes", "", "", "<=", 2e6, "")),
        ("bit_exact == true", ("bit_exact", "", "", "==", True, "")),
        ("fits != false", ("fits", "", "", "!=", False, "")),
        ("activation == relu", ("activation", "", "", "==", "relu", "")),
    ],
)
def test_a_threshold_is_read_as_the_grammar_says(text: str, parts: tuple[Any, ...]) -> None:
    found = parse_threshold(text)
    assert (found.metric, found.stat, found.graph, found.operator, found.value, found.evidence) == parts


@pytest.mark.parametrize(
    ("text", "found", "suggests"),
    [
        ("latency_ms[p95] <= 45", "unknown metric `latency_ms`", "latency_us"),
        ("npu_macs_share >= 1", "unknown metric", "npu_mac_share"),
        ("latency_us <= 45", "does not say which", "median"),
        ("latency_us[p59] <= 45", "unknown part `p59`", "p95"),
        ("map50_95 >= 0.6", "of which graph", "int8"),
        ("map50_95[in8] >= 0.6", "unknown part `in8`", "int8"),
        ("npu_mac_share[int8] >= 1", "unknown part `int8`", "none"),
        ("memory_bytes <= 5", "does not say which", "area"),
        ("latency_us[p95] <= 45 @ mesured", "unknown evidence `mesured`", "measured"),
        ("latency_us[p95] <= fast", "is no number", "us"),
        ("fits == yes", "`yes`", "true or false"),
        ("fits >= true", "`>=`", "== or !="),
        ("activation < relu", "`<`", "== or !="),
        ("latency_us[p95] 45", "is no threshold", "op value"),
        ("", "is no threshold", "metric"),
        ("latency_us[p95] =< 45", "is no threshold", "<="),
    ],
)
def test_a_wrong_threshold_is_a_usage_error_with_the_nearest_right_one(text: str, found: str, suggests: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_threshold(text)
    assert found in caught.value.found
    assert suggests in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value", "met"),
    [
        ("npu_mac_share >= 0.99", 0.99, True),
        ("npu_mac_share >= 0.99", 0.9899999, False),
        ("npu_mac_share > 0.99", 0.99, False),
        ("arena_bytes <= 100", 100, True),
        ("arena_bytes < 100", 100, False),
        ("fits == true", True, True),
        ("fits == true", False, False),
        ("fits == true", 1, False),
        ("npu_cpu_crossings == 1", True, False),
        ("activation == relu", "relu", True),
        ("activation != relu", "leaky", True),
        ("npu_cpu_crossings == 0", 0, True),
    ],
)
def test_a_threshold_holds_or_not(text: str, value: Any, met: bool) -> None:
    assert parse_threshold(text).holds(value) == met


def threshold(text: str) -> Threshold:
    parsed = parse_threshold(text)
    return Threshold(**{**vars(parsed), "variant": "level2_relu", "profile": "ethos-u65-256", "target": "host"})


def test_the_answer_has_both_numbers_and_the_evidence() -> None:
    found = answer(threshold("npu_operator_share >= 0.9"), [measurement(value=0.5)])
    assert not found.met
    assert found.found == "0.5 (compiled), >= 0.9 asked for"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"evidence": Evidence.ESTIMATED}, "no figure of evidence measured: this run has estimated"),
        ({"value": Unavailable("the board is gone"), "evidence": Evidence.MEASURED}, "no figure: the board is gone"),
        ({"variant": "level3_relu", "evidence": Evidence.MEASURED}, "no figure `npu_operator_share` in this run"),
        ({"profile": "ethos-u55-256", "evidence": Evidence.MEASURED}, "in this run"),
        ({"stat": "p95", "evidence": Evidence.MEASURED}, "in this run"),
    ],
)
def test_a_threshold_without_a_figure_of_its_evidence_is_not_met(changes: dict[str, Any], words: str) -> None:
    found = answer(threshold("npu_operator_share >= 0 @ measured"), [measurement(**changes)])
    assert not found.met
    assert words in found.found


def test_a_table_holds_for_what_it_names_and_else_for_everything(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        '[[accept]]\nrequire = ["fits == true", "macs <= 1"]\n[[accept]]\nvariant = ["level3_relu"]\nrequire = ["macs <= 2"]\n'
    )
    ids = [found.id for found in read_acceptance(file, *SESSION)]
    assert ids == [
        "level2_relu-ethos-u65-256-host: fits == true",
        "level3_relu-ethos-u65-256-host: fits == true",
        "level2_relu-ethos-u65-256-host: macs <= 1",
        "level3_relu-ethos-u65-256-host: macs <= 1",
        "level3_relu-ethos-u65-256-host: macs <= 2",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[accept]]\nvariant = ["level2_relo"]\nrequire = ["fits == true"]', ("variant `level2_relo`", "`level2_relu`?")),
        (
            '[[accept]]\nprofile = ["ethos-u65-265"]\nrequire = ["fits == true"]',
            ("profile `ethos-u65-265`", "`ethos-u65-256`?"),
        ),
        ('[[accept]]\ntarget = ["fvp"]\nrequire = ["fits == true"]', ("target `fvp`", "one of host")),
        ('[[accept]]\nrequires = ["fits == true"]', ("requires",)),
        ("[[accept]]\nrequire = []", ("has no threshold",)),
        ("accept = 1", ("is wrong",)),
        ("[[accept", ("is no TOML file",)),
        ("", ("accept",)),
    ],
)
def test_a_wrong_file_is_a_usage_error_that_names_it(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_acceptance(file, *SESSION)
    assert str(file) in str(caught.value)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read_acceptance(tmp_path / "nowhere.toml", *SESSION)


def test_the_example_in_the_repository_is_right_for_the_documented_models() -> None:
    from conversion.variants import BY_NAME

    assert len(read_acceptance(RELEASE, list(BY_NAME), ["ethos-u65-256", "ethos-u55-256"], ["host"])) > 40
