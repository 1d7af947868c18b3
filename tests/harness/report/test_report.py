"""Tables and pages: every number with its evidence, nothing that breaks a table, nothing left out in silence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from core.records.claim import Claim
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from core.records.verdict import Verdict
from harness.claims.verdicts import judge
from harness.report.exports.pytest_benchmark import pytest_benchmark
from harness.report.results_files import write_reports
from harness.report.tables import COLUMNS, FigureTable, amount_text, difference_text, outcome_counts
from harness.report.terminal import findings, merged, model_table, shared_rows, verdict_table
from harness.results.findings import Findings
from harness.results.store import Results
from tests.harness.builders import claim, header, measurement, sample_group


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "run", header())


def text_of(table: Any) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def table_of(*records: Measurement) -> FigureTable:
    return FigureTable(records)


def verdict(figure: Measurement, **changes: Any) -> Verdict:
    held: Claim = claim(**changes)
    return judge(held, [figure])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.976, "ratio", "97.6 %"), (7_400_000, "bytes", "7.40 MB"), (3_354_829, "count", "3,354,829"), ("none", "ratio", "none")],
)
def test_a_documented_number_is_written_in_its_unit(value: Any, unit: str, text: str) -> None:
    assert amount_text(value, unit) == text


def test_differences_have_a_sign_and_a_unit() -> None:
    assert difference_text(verdict(measurement(value=1.0))) == "+15.0 points"
    assert difference_text(verdict(measurement(value=0.5))) == "-35.0 points"
    assert difference_text(verdict(measurement(value=Unavailable("x")))) == "-"
    size = verdict(measurement(metric="b", value=6_000_000), metric="b", value=7_000_000, unit="bytes")
    assert difference_text(size) == "-1.00 MB"


def test_every_column_says_what_evidence_it_has_and_several_kinds_are_all_named() -> None:
    share = COLUMNS[0]
    table = table_of(measurement(), measurement(target="fvp", evidence=Evidence.SIMULATED_FVP))
    assert table.evidence(share) == "compiled / simulated-fvp"
    shown = text_of(model_table(table, []))
    assert "compiled / simulated-fvp" in shown


def test_targets_whose_figures_complete_each_other_share_a_row() -> None:
    exact = measurement(target="sim", metric="bit_exact_images", value=4, unit="count", note="4 of 4")
    clock = measurement(target="host", metric="latency_us", stat="median", value=5000.0, unit="us")
    board = measurement(target="ssh:a", metric="latency_us", stat="median", value=7000.0, unit="us")
    (row,) = [line for line in text_of(model_table(table_of(exact, clock), [])).splitlines() if "4 of 4" in line]
    assert "sim, host" in row
    assert "5.00" in row
    other = measurement(target="ssh:b", metric="latency_us", stat="median", value=6000.0, unit="us")
    rows = shared_rows(table_of(clock, board, other), COLUMNS)
    assert [[case.target for case in row] for row in rows] == [["host", "ssh:a"], ["ssh:b"]], "two of a kind are two rows"


def test_a_latency_stands_under_the_name_of_what_ran() -> None:
    kinds = (
        ("host", Evidence.HOST, "CPU ms, this computer"),
        ("ssh:a", Evidence.HOST, "CPU ms, board"),
        ("ssh:a", Evidence.MEASURED, "NPU ms"),
        ("fvp", Evidence.SIMULATED_FVP, "NPU ms"),
    )
    for target, evidence, head in kinds:
        latency = measurement(target=target, metric="latency_us", stat="median", value=5000.0, unit="us", evidence=evidence)
        shown = text_of(model_table(table_of(latency), []))
        assert head in shown
        assert shown.count(" ms") == 1 + shown.count(f": {head}")


def test_our_estimate_has_its_interval_and_velas_beside_it_and_a_part_is_called_a_part() -> None:
    def estimates(metric: str) -> list[Measurement]:
        times = {"vela": 9000.0, "open": 5000.0, "open_low": 4000.0, "open_high": 7000.0}
        return [
            measurement(metric=metric, stat=stat, value=time, unit="us", evidence=Evidence.ESTIMATED)
            for stat, time in times.items()
        ]

    whole, part = estimates("estimated_us"), estimates("npu_estimated_us")
    shown = text_of(model_table(table_of(*whole, *part), []))
    assert "NPU ms, estimated" in shown
    assert "5.00 (4.00 to 7.00)" in shown
    assert "part" not in shown
    lost = [measurement(metric="estimated_us", stat=one.stat, value=Unavailable("1 on the CPU"), unit="us") for one in whole]
    shown = text_of(model_table(table_of(*lost, *part), []))
    assert "NPU part ms, estimated" in shown
    assert "NPU ms, estimated" not in shown


def test_an_image_size_that_all_share_needs_no_column() -> None:
    one, same, other = (
        measurement(variant=name, metric="image_size", value=size, unit="px", evidence=Evidence.COMPILED)
        for name, size in (("a", 640), ("b", 640), ("c", 320))
    )
    assert " px" not in text_of(model_table(table_of(one, same), []))
    assert " px" in text_of(model_table(table_of(one, other), []))


def test_a_figure_that_is_missing_is_a_dash_and_its_reason_a_sentence() -> None:
    table = table_of(measurement(metric="map50_95", graph="int8", value=Unavailable("no data set was given")))
    assert findings(table) == ["level2_relu: no accuracy: no data set was given"]
    assert " - " in text_of(model_table(table, [])) + " - "


def test_equal_models_and_models_that_do_not_fit_are_sentences() -> None:
    table = table_of(
        measurement(metric="same_model_as", value="level3_relu", variant="level4_relu"),
        measurement(metric="fits", value=False, note="needs 3 MiB of sram, the platform has 2 MiB"),
    )
    assert findings(table) == [
        "level4_relu is level3_relu: same graph, same weights",
        "level2_relu does not fit ethos-u65-256: needs 3 MiB of sram, the platform has 2 MiB",
    ]


def test_both_numbers_of_a_verdict_are_shown() -> None:
    shown = text_of(verdict_table([verdict(measurement(value=1.0))]))
    assert all(words in shown for words in ("85.0 %", "100.0 %", "+15.0 points", "exceeded", "proxy"))


def test_equal_verdicts_of_several_profiles_share_a_line_and_targets_do_not_repeat_them() -> None:
    cases = [measurement(profile=profile, target=target) for profile in ("u55", "u65") for target in ("host", "fvp")]
    (profiles,) = merged([verdict(case) for case in cases]).values()
    assert profiles == ["u55", "u65"]


def test_verdicts_on_two_builds_are_told_apart_wherever_they_stand() -> None:
    builds = [
        measurement(build=f"frontend=executorch+layout={layout}", value=value)
        for layout, value in (("nchw", 1.0), ("nhwc", 0.5))
    ]
    both = [verdict(one) for one in builds]
    assert [row[0] for row in merged(both)] == [one.name for one in both]
    assert len({one.name for one in both}) == 2
    shown = text_of(verdict_table(both))
    assert "~frontend=executorch+layout=nchw" in shown
    assert "~frontend=executorch+layout=nhwc" in shown


def test_outcomes_are_counted_or_a_dash() -> None:
    assert outcome_counts([]) == "-"
    assert outcome_counts([verdict(measurement(value=1.0)), verdict(measurement(value=0.0))])


def test_words_in_brackets_are_words_and_no_colours() -> None:
    odd = measurement(variant="a [red] b [/nonsense]", value=0.5)
    assert "a [red] b [/nonsense]" in text_of(model_table(table_of(odd), []))
    broken = verdict(measurement(value=Unavailable("see [/var/log]")))
    assert "see [/var/log]" in text_of(verdict_table([broken])).replace("\n", "")


def test_a_page_has_figures_with_evidence_reasons_and_verdicts(results: Results) -> None:
    records = [measurement(), measurement(metric="map50_95", graph="int8", value=Unavailable("a | b\nc"))]
    findings_ = Findings(records=records, verdicts=[judge(claim(), records)])
    results.add(findings_)
    write_reports(results.run())
    page = (results.folder / "level2_relu.md").read_text()
    assert "| 100.0 | compiled |" in page
    assert r"a \| b c" in page
    assert "exceeded" in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.replace(r"\|", "").count("|") in (4, 8)


def test_benchmark_json_is_read_by_pytest_benchmarks_own_compare(results: Results) -> None:
    group = sample_group(latency_us=(2000.0, 1000.0, 4000.0))
    results.add(Findings(records=[measurement()], samples=[group]))
    write_reports(results.run())
    (benchmark,) = json.loads(pytest_benchmark(results.run())["benchmark.json"])["benchmarks"]
    assert benchmark["stats"]["median"] == pytest.approx(0.002)
    assert benchmark["stats"]["data"] == pytest.approx([0.002, 0.001, 0.004])
    path = results.folder / "benchmark.json"
    assert json.loads(path.read_text())["benchmarks"]
    other = path.with_name("other.json")
    other.write_text(path.read_text())
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(path), str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "test_latency[v-p-host]" in done.stdout
    assert "2.0000" in done.stdout
