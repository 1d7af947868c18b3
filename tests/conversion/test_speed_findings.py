"""What would make a model faster: every finding has its cycles and a reason in how data lies; what can be tried is tried.

Covers conversion.speed_checks, ethosu_simulator.timing.layout, ethosu_simulator.timing.result, harness.cli.inspect_speed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conversion import speed_findings as module
from conversion.estimates import estimated
from conversion.profile_files import load_profile
from conversion.speed_checks import speed_checks
from conversion.speed_findings import operator_cycles, speed_findings
from conversion.vela import compile_model
from core.records.artefact import Compilation
from core.records.unavailable import Unavailable
from ethosu_simulator.timing import Estimate, OperationEstimate
from ethosu_simulator.timing.layout import Layout, Side
from harness.cli import main
from tests.benchmarks import tiny

UNITS = {"mac": 10.0, "output": 5.0, "elementwise": 0.0, "dma": 0.0, "weights": 0.0}
PLAIN = Layout(ifm=None, ofm=None, ifm_reads=1.0, weight_reads=1.0, weight_bytes=100, weight_share=0.5, moved_bytes=0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Compilation, Estimate]]:
    folder = tmp_path_factory.mktemp("speed")
    model = folder / "detector.tflite"
    model.write_bytes(tiny.detector())

    def make(npu: str) -> tuple[Path, Compilation, Estimate]:
        compilation = compile_model(model, load_profile(npu), folder / npu)
        found = estimated(compilation).found
        assert not isinstance(found, Unavailable)
        return model, compilation, found

    return make


def told(bound: str, layout: Layout) -> str:
    one = OperationEstimate(
        stream=1, address=0, name="x", cycles=10.0, units=UNITS, causes={}, bound=bound, read_beats=1, write_beats=1,
        layout=layout,
    )  # fmt: skip
    placed = FakePlaced()
    return "; ".join(module._reasons(placed, bound, [one]))  # type: ignore[arg-type]


class FakePlaced:
    operator = "CONV_2D"


@pytest.mark.parametrize(
    ("bound", "layout", "words"),
    [
        ("read_bandwidth", replace(PLAIN, weight_reads=9.0), "100 bytes of weights are read 9 times"),
        ("read_bandwidth", replace(PLAIN, ifm_reads=2.25), "read 2.2 times"),
        ("read_latency", replace(PLAIN, ifm=Side(bricks=False, depth=3, element_bytes=1)), "input of depth 3 lies as NHWC"),
        ("read_bandwidth", replace(PLAIN, ifm=Side(bricks=True, depth=24, element_bytes=1)), "25% of its bricks is padding"),
        ("write_bandwidth", replace(PLAIN, ofm=Side(bricks=True, depth=16, element_bytes=4)), "output has 32 bits"),
        ("output", PLAIN, "few MACs for each element"),
    ],
)
def test_a_reason_is_what_follows_from_the_layout_for_what_bounds_the_operator(bound: str, layout: Layout, words: str) -> None:
    assert words in told(bound, layout)
    assert words not in told("dependency", layout)


def test_weights_that_are_little_of_what_is_read_are_not_blamed() -> None:
    assert told("read_bandwidth", replace(PLAIN, weight_reads=9.0, weight_share=0.01)) == ""


@pytest.mark.parametrize("npu", ["ethos-u55-128", "ethos-u65-256", "ethos-u85-256"])
def test_findings_are_about_operators_that_wait_and_none_loses_more_than_it_takes(
    made: Callable[[str], tuple[Path, Compilation, Estimate]], npu: str
) -> None:
    _, compilation, found = made(npu)
    findings = speed_findings(compilation, found)
    cycles = {one.index: one for one in operator_cycles(compilation, found)[0]}
    assert findings, "a detector of a few pixels waits for memory"
    assert [one.beyond_macs for one in findings] == sorted((one.beyond_macs for one in findings), reverse=True)
    for one in findings:
        assert one.bound != "compute"
        assert 0 < one.beyond_macs <= one.cycles <= cycles[one.index].cycles + 1
        assert one.text.startswith("bound by ")
    assert sum(one.beyond_macs for one in findings) <= found.active_cycles


def test_commands_that_no_operator_owns_are_one_finding(
    made: Callable[[str], tuple[Path, Compilation, Estimate]],
) -> None:
    _, compilation, found = made("ethos-u55-128")
    operators = tuple(replace(one, commands=()) for one in compilation.placement.operators)
    lost = replace(compilation, placement=replace(compilation.placement, operators=operators))
    (finding,) = speed_findings(lost, found)
    assert finding.index == -1
    assert "CONV_2D" in finding.name
    assert "no source operator, while" in finding.text
    assert operator_cycles(lost, found)[1] == pytest.approx(found.active_cycles, abs=len(found.operations))


def test_twice_the_staging_memory_is_tried_where_there_is_one(
    made: Callable[[str], tuple[Path, Compilation, Estimate]],
) -> None:
    model, compilation, found = made("ethos-u65-256")
    waiting = tuple(
        replace(one, bound="read_latency", beyond_macs=found.active_cycles) for one in speed_findings(compilation, found)[:1]
    )
    (check,) = speed_checks(model, compilation, waiting)
    assert check.problem == ""
    assert check.text == "twice the staging memory (768 KiB)"
    assert check.ours_us_after == pytest.approx(check.ours_us_before), "a model this small needs no more"
    assert speed_checks(model, compilation, ()) == (), "nothing waits"
    assert speed_checks(*made("ethos-u55-128")[:2], waiting) == (), "no staging memory"


def test_inspect_says_our_estimate_and_what_would_make_it_faster(
    made: Callable[[str], tuple[Path, Compilation, Estimate]],
) -> None:
    model, _, found = made("ethos-u55-128")
    done = CliRunner().invoke(main, ["inspect", str(model), "--npu", "ethos-u55-128", "--json"])
    assert done.exit_code == 0, done.output
    (profile,) = json.loads(done.stdout)["profiles"]
    assert profile["speed"]["active_cycles"] == found.active_cycles
    assert profile["speed"]["findings"][0]["text"].startswith("bound by ")
    shown = CliRunner().invoke(main, ["inspect", str(model), "--npu", "ethos-u55-128"]).output
    assert "our estimate" in shown
    assert "beyond its MACs" in shown
