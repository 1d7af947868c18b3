"""Which model to take, and models side by side: nothing of different evidence or identity competes in silence.

Covers harness.cli.recommend.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.errors import UsageError
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from harness.cli import main
from harness.report.models_compared import compare_models, comparison_markdown
from harness.report.recommendation import Limits, Recommendation, interval, recommend, whose
from harness.report.tables import FigureTable
from harness.results.stored_run import StoredRun
from tests.harness.builders import measurement, revised, with_records
from tests.harness.report.runs import write_run

NPU = "ethos-u65-256"


def run_of(tmp_path: Path, models: dict[str, tuple[float, float, float]], name: str = "run", day: int = 1) -> StoredRun:
    """A run of models with (milliseconds estimated, mAP50-95, MiB of arena)."""
    run = write_run(tmp_path / name, tuple(models), run={"id": name, "started": f"2026-01-0{day}T00:00:00+00:00"})

    def own(figure: Measurement) -> Measurement:
        ms, accuracy, memory = models[figure.variant]
        values = {"estimated_us": ms * 1e3, "map50_95": accuracy, "arena_bytes": int(memory * 2**20)}
        return replace(figure, value=values.get(figure.metric, figure.value))

    return revised(run, own)


def change(run: StoredRun, variant: str, metric: str, **changes: Any) -> StoredRun:
    def changed(figure: Measurement) -> Measurement:
        return replace(figure, **changes) if (figure.variant, figure.metric) == (variant, metric) else figure

    return revised(run, changed)


def names(answer: Recommendation) -> list[str]:
    return [candidate.model for candidate in answer.front]


def test_only_what_nothing_beats_in_everything_is_recommended(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"fast": (10, 0.5, 5), "good": (30, 0.7, 5), "small": (40, 0.6, 2), "beaten": (31, 0.6, 6)})
    answer = recommend([run], NPU, Limits())
    assert names(answer) == ["fast", "good", "small"]
    assert [(one.model, rival) for one, rival in answer.beaten] == [("beaten", "good")]
    assert answer.evidence == "estimated"


def test_models_as_good_as_each_other_are_both_recommended(tmp_path: Path) -> None:
    assert names(recommend([run_of(tmp_path, {"a": (10, 0.5, 5), "b": (10, 0.5, 5)})], NPU, Limits())) == ["a", "b"]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(latency_us=20_000), "Vela's estimate 30.00 ms estimated, allowed are 20"),
        (Limits(map50_95=0.75), "mAP50-95 0.700, asked for is 0.75"),
        (Limits(arena_bytes=2**22), "arena 5.00 MiB, allowed are 4"),
    ],
)
def test_a_model_outside_a_limit_is_excluded_with_the_number(tmp_path: Path, limits: Limits, reason: str) -> None:
    assert recommend([run_of(tmp_path, {"good": (30, 0.7, 5)})], NPU, limits).excluded == (("good", reason),)


def test_a_figure_exactly_at_the_limit_holds_it(tmp_path: Path) -> None:
    limits = Limits(latency_us=30_000, map50_95=0.7, arena_bytes=5 * 2**20)
    assert names(recommend([run_of(tmp_path, {"good": (30, 0.7, 5)})], NPU, limits)) == ["good"]


def test_latencies_of_different_evidence_never_compete(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"a": (30, 0.7, 5), "b": (10, 0.6, 5)})
    run = change(run, "a", "latency_us", evidence=Evidence.MEASURED, value=5_000.0)
    both = recommend([run], NPU, Limits())
    assert both.evidence == "estimated", "b was not measured"
    assert names(both) == ["b", "a"]
    measured = recommend([run], NPU, Limits(), "measured")
    assert names(measured) == ["a"]
    assert measured.excluded == (("b", "no latency of evidence measured, only estimated"),)
    run = change(run, "b", "latency_us", evidence=Evidence.MEASURED, value=50_000.0)
    assert recommend([run], NPU, Limits()).evidence == "measured"


def test_estimates_that_compete_are_of_one_cycle_model_and_ours_where_every_model_has_it(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"a": (30, 0.7, 5), "b": (10, 0.6, 5)})

    def ours(figure: Measurement) -> list[Measurement]:
        times = {"open": 20_000.0, "open_low": 18_000.0, "open_high": 30_000.0}
        return [replace(figure, stat=stat, value=time) for stat, time in times.items()]

    theirs = [figure for figure in run.records if figure.metric == "estimated_us"]
    both = with_records(run, [*run.records, *(one for figure in theirs for one in ours(figure))])
    answer = recommend([both], NPU, Limits())
    assert [one.latency.stat for one in answer.front if one.latency] == ["open"]
    assert whose(answer) == "estimated, our cycle model"
    assert interval(answer.front[0]) == " (18.00 to 30.00)"
    one_of_them = with_records(run, [*run.records, *ours(theirs[0])])
    answer = recommend([one_of_them], NPU, Limits())
    assert [one.latency.stat for one in answer.front if one.latency] == ["vela", "vela"]
    assert interval(answer.front[0]) == ""


def test_a_model_with_operators_on_the_cpu_is_never_recommended_for_the_npus_part(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"whole": (30, 0.7, 5), "part": (1, 0.7, 5)})
    run = change(run, "part", "estimated_us", value=Unavailable("1 of 9 operators run on the CPU"))
    part = measurement(variant="part", metric="npu_estimated_us", stat="open", value=1000.0, unit="us")
    answer = recommend([with_records(run, [*run.records, part])], NPU, Limits())
    assert names(answer) == ["whole"]
    assert answer.excluded == (("part", "no latency of an NPU: 1 of 9 operators run on the CPU"),)


def test_a_host_latency_is_no_latency_of_an_npu(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"a": (30, 0.7, 5)})
    run = with_records(run, [figure for figure in run.records if figure.metric != "estimated_us"])
    assert recommend([run], NPU, Limits()).excluded == (("a", "no latency of an NPU"),)


def test_what_does_not_fit_or_has_no_accuracy_is_excluded_with_the_reason(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"large": (30, 0.7, 5), "unknown": (30, 0.7, 5)})
    run = change(run, "large", "fits", value=False, note="needs 3 MiB of sram, the platform has 2 MiB")
    run = change(run, "unknown", "map50_95", value=Unavailable("no data set was given"))
    assert dict(recommend([run], NPU, Limits()).excluded) == {
        "large": "needs 3 MiB of sram, the platform has 2 MiB",
        "unknown": "no accuracy: no data set was given",
    }


def test_the_newest_figures_of_a_model_count(tmp_path: Path) -> None:
    old, new = run_of(tmp_path, {"a": (30, 0.7, 5)}, "old", 1), run_of(tmp_path, {"a": (20, 0.7, 5)}, "new", 2)
    (candidate,) = recommend([old, new], NPU, Limits()).front
    assert (candidate.run, candidate.figures[0]) == ("new", 20_000.0)


def test_figures_of_another_data_set_or_vela_are_not_compared(tmp_path: Path) -> None:
    old, new = run_of(tmp_path, {"a": (30, 0.9, 5)}, "old", 1), run_of(tmp_path, {"b": (20, 0.7, 5)}, "new", 2)
    old = change(old, "a", "map50_95", identity=Identity(options={"images": "20 of 638"}))
    old = change(old, "a", "arena_bytes", identity=Identity(profile=NPU, tools={"vela": "4.0.0"}))
    answer = recommend([old, new], NPU, Limits())
    assert names(answer) == ["b"]
    assert answer.excluded == (("a", "its figures in old do not compare: other images, Vela"),)


def test_an_npu_that_no_run_has_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        recommend([run_of(tmp_path, {"a": (30, 0.7, 5)})], "ethos-u99", Limits())
    assert error.value.expected == f"one of {NPU}"


def test_the_command_prints_the_front_and_exits_1_when_nothing_holds_the_limits(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ("level2_relu",))
    done = CliRunner().invoke(main, ["recommend", str(run.folder), "--max-latency", "50", "--min-map", "0.6"])
    assert done.exit_code == 0, done.output
    assert "ms (estimated, Vela's)" in done.output
    assert "45.00" in done.output
    done = CliRunner().invoke(main, ["recommend", str(run.folder), "--max-latency", "1"])
    assert done.exit_code == 1
    assert "excluded: level2_relu: Vela's estimate 45.00 ms estimated, allowed are 1" in done.output


def test_models_stand_beside_the_base_model_with_their_difference() -> None:
    records = [
        measurement(variant=name, metric=metric, value=value, unit=unit, evidence=kind, **more)
        for name, ms, accuracy in (("level2_relu", 50_000.0, 0.7), ("base_silu", 100_000.0, 0.75))
        for metric, value, unit, kind, more in (
            ("estimated_us", ms, "us", Evidence.ESTIMATED, {"stat": "vela"}),
            *(
                ("estimated_us", ms * factor, "us", Evidence.ESTIMATED, {"stat": stat})
                for stat, factor in (("open", 1.1), ("open_low", 1.0), ("open_high", 1.5))
            ),
            ("map50_95", accuracy, "ratio", Evidence.HOST, {"graph": "int8"}),
            ("npu_operator_share", 1.0, "ratio", Evidence.COMPILED, {}),
        )
    ]
    table = FigureTable(records)
    found = compare_models(table, "base_silu", NPU, "host", [("level3_relu", "no | checkpoint")])
    base, own = found.rows
    assert found.head == ("model", "ops %", "NPU ms, estimated", "Vela ms", "int8")
    assert base == ("base_silu", "100.0", "110.00 (100.00 to 150.00)", "100.00", "0.750")
    assert own == ("level2_relu", "100.0", "55.00 (50.00 to 75.00) (-50 %)", "50.00 (-50 %)", "0.700 (-0.050)")
    page = comparison_markdown(found)
    assert "Evidence: ops %: compiled; NPU ms, estimated: estimated; Vela ms: estimated; int8: host" in page
    assert "- level3_relu failed: no \\| checkpoint" in page


def test_a_base_model_without_a_figure_gives_no_difference() -> None:
    records = [
        measurement(variant="base_silu", metric="map50_95", graph="int8", value=Unavailable("untrained")),
        measurement(variant="level2_relu", metric="map50_95", graph="int8", value=0.7),
    ]
    found = compare_models(FigureTable(records), "base_silu", NPU, "host")
    assert found.rows == (("base_silu", "-"), ("level2_relu", "0.700"))
