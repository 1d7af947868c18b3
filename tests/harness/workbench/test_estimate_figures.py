"""Estimates as records: whose they are, on which memory, how far they go, and none of a whole that no model counts.

Covers conversion.estimates, core.records.operator_cycles, harness.workbench.estimates.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conversion.compiled_files import streams_of
from conversion.estimates import Estimation, estimated, memory_of
from conversion.profile_files import load_profile
from conversion.vela import compile_model
from core.errors import UsageError
from core.progress import to_nobody
from core.records.artefact import Compilation
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.operator_cycles import read_model_cycles
from core.records.unavailable import Unavailable
from ethosu_simulator import load
from ethosu_simulator.operations import Computation, Dma
from ethosu_simulator.timing.memories import FOLDER
from harness.workbench.estimate_figures import (
    estimate_figures,
    model_cycles,
    npu_times,
    operations_figure,
    speedups,
    whole_times,
)
from harness.workbench.figures import Subject
from harness.workbench.options import BenchOptions
from harness.workbench.session import Session
from tests.benchmarks import tiny

SUBJECT = Subject(CaseKey("mine", "", "ethos-u55-256", "host"), Identity(weights="a" * 64))
STATS = ("vela", "open", "open_low", "open_high")


@pytest.fixture(scope="module")
def compilation(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Compilation]:
    folder = tmp_path_factory.mktemp("estimates")

    def make(builder: str) -> Compilation:
        path = folder / f"{builder}.tflite"
        if not path.exists():
            path.write_bytes(getattr(tiny, builder)())
        return compile_model(path, load_profile("ethos-u55-256"), folder / builder)

    return make


def by_stat(records: list[Measurement], metric: str) -> dict[str, Measurement]:
    return {record.stat: record for record in records if record.metric == metric}


def test_a_whole_on_the_npu_is_estimated_by_vela_and_by_us_and_only_ours_depends_on_the_memory(
    compilation: Callable[[str], Compilation],
) -> None:
    made = compilation("detector")
    records = estimate_figures(SUBJECT, made, estimated(made))
    found = by_stat(records, "estimated_us")
    assert tuple(found) == STATS
    assert found["vela"].value == made.estimate.latency_us
    low, ours, high = (float(found[stat].number or 0) for stat in ("open_low", "open", "open_high"))
    assert 0 < low <= ours <= high
    assert found["open"].identity.options["memory"].startswith("mlek:")
    assert "memory" not in found["vela"].identity.options
    assert {record.evidence for record in records} == {Evidence.ESTIMATED}
    assert all("not validated on silicon" in found[stat].note for stat in STATS[1:])
    assert set(by_stat(records, "npu_estimated_beats")) == {"axi0_read", "axi0_write", "axi1_read"}


def test_operations_of_the_streams_are_counted_without_waits_and_stops(compilation: Callable[[str], Compilation]) -> None:
    made = compilation("detector")
    (stream,) = streams_of(load(made.compiled.path))
    counted = sum(isinstance(operation, (Computation, Dma)) for operation in stream.operations)
    figure = operations_figure(SUBJECT, estimated(made))
    assert (figure.value, figure.evidence) == (counted, Evidence.COMPILED)
    assert 0 < counted < len(stream.operations)
    unknown = operations_figure(SUBJECT, Estimation("mlek:1", Unavailable("not modelled")))
    assert unknown.unavailable == Unavailable("not modelled")


def test_with_operators_on_the_cpu_only_the_npus_part_is_estimated(compilation: Callable[[str], Compilation]) -> None:
    made = compilation("cpu_operator")
    records = estimate_figures(SUBJECT, made, estimated(made))
    for record in by_stat(records, "estimated_us").values():
        assert record.unavailable
        assert "1 of 3 operators run on the CPU" in record.unavailable.reason
    parts = by_stat(records, "npu_estimated_us")
    assert tuple(parts) == STATS
    assert all(record.number for record in parts.values())
    assert all(record.note.startswith("REVERSE_V2") for record in parts.values())


def test_a_file_that_our_model_does_not_estimate_says_why_and_velas_stands(compilation: Callable[[str], Compilation]) -> None:
    made, why = compilation("detector"), Unavailable("an odd operation")
    times = npu_times(made, Estimation("mlek:0", why))
    assert times == {"vela": made.estimate.latency_us, "open": why, "open_low": why, "open_high": why}
    assert model_cycles(made, Estimation("mlek:0", why)) is None


def test_every_cycle_of_the_estimate_belongs_to_an_operator_of_the_source(compilation: Callable[[str], Compilation]) -> None:
    made = compilation("detector")
    found = model_cycles(made, estimated(made))
    assert found
    total = sum(one.cycles for one in found.operators) + found.other_cycles
    assert total == pytest.approx(found.active_cycles, abs=2 + len(found.operators))
    assert all(sum(one.causes.values()) == pytest.approx(one.cycles) for one in found.operators)
    assert {one.index for one in found.operators} <= {operator.index for operator in made.placement.operators}
    text = dataclasses.asdict(found)
    assert read_model_cycles(json.dumps(text)) == found


def test_the_interval_of_a_ratio_is_the_widest_that_both_intervals_allow() -> None:
    base = {"vela": 10.0, "open": 10.0, "open_low": 8.0, "open_high": 16.0}
    own = {"vela": 20.0, "open": 5.0, "open_low": 4.0, "open_high": 8.0}
    assert speedups("plain", base, "mine", own) == {"vela": 0.5, "open": 2.0, "open_low": 1.0, "open_high": 4.0}
    lost: dict[str, float | Unavailable] = {**own, "vela": Unavailable("on the CPU")}
    assert speedups("plain", base, "mine", lost)["vela"] == Unavailable("mine: on the CPU")


def test_another_memory_gives_another_estimate_and_a_wrong_one_is_a_usage_error(
    compilation: Callable[[str], Compilation], tmp_path: Path
) -> None:
    made = compilation("detector")
    usual, off = (estimated(made, name) for name in ("", "mlek-off"))
    assert usual.memory != off.memory
    assert whole_times(made, usual)["open"] > whole_times(made, off)["open"]  # type: ignore[operator]
    assert whole_times(made, usual)["vela"] == whole_times(made, off)["vela"]
    for wrong in ("mlek-of", str(FOLDER / "mlek-ethos-u65.toml")):
        with pytest.raises(UsageError):
            memory_of(made.profile, wrong)


def test_a_boards_own_memory_is_never_validated_whatever_its_name(
    compilation: Callable[[str], Compilation], tmp_path: Path
) -> None:
    text = (FOLDER / "mlek-ethos-u55.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace("read_latency = 32", "read_latency = 33"))
    found = estimated(compilation("detector"), str(own)).found
    assert not isinstance(found, Unavailable)
    assert not found.validated
    assert found.trust.startswith("not validated: ")


def test_a_memory_that_is_not_the_default_is_part_of_the_build() -> None:
    def build(memory: str) -> str:
        options = BenchOptions(profiles=("ethos-u55-256",), memory=memory)
        return Session.of(options, to_nobody).build("ethos-u55-256")

    assert (build(""), build("mlek"), build("mlek-off")) == ("", "", "memory=mlek-off")
    with pytest.raises(UsageError):
        build("nonsense")
