"""Records from runs and compilations: every figure with its evidence, and a reason where there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conversion.profile_files import load_profile
from conversion.vela import compile_model
from core.records.artefact import Compilation
from core.records.case_key import CaseKey
from core.records.checkpoint_facts import CheckpointFacts
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.memory_shortfall import MemoryShortfall
from core.records.profile import MemoryArea, MemoryBudget
from core.records.run import Proof, Run
from core.records.unavailable import Unavailable
from harness.workbench.figures import (
    Subject,
    execution_figures,
    identity_figures,
    latency_figures,
    memory_figures,
    offload_figures,
)
from targets.memory_budget import budget_shortfalls
from tests.benchmarks import tiny
from tests.harness.schema import SCHEMA

SUBJECT = Subject(CaseKey("mine", "", "ethos-u55-256", "host"), Identity(weights="w"))
FACTS = CheckpointFacts("w", "f", "relu", ("a",), 1234, 640, (8, 16, 32), 16, True)


def run(**changes: Any) -> Run:
    found = Run(
        target="host",
        evidence=Evidence.HOST,
        fingerprint={"threads": "2", "cpu": "x"},
        executed="e" * 64,
        outputs=(),
        latency_us=(4.0, 1.0, 2.0, 3.0, 100.0),
        proof=Unavailable("no NPU"),
        npu_time_share=Unavailable("no NPU"),
        peak_memory_bytes=1000,
    )
    return dataclasses.replace(found, **changes)


def by_metric(records: list[Measurement]) -> dict[str, Any]:
    return {f"{record.metric}{':' + record.stat if record.stat else ''}": record.value for record in records}


@pytest.fixture(scope="module")
def compilation(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Compilation]:
    folder = tmp_path_factory.mktemp("figures")

    def make(builder: str) -> Compilation:
        path = folder / f"{builder}.tflite"
        if not path.exists():
            path.write_bytes(getattr(tiny, builder)())
        return compile_model(path, load_profile("ethos-u55-256"), Path(folder / builder))

    return make


def test_latency_is_summarised_by_median_p95_min_and_mean_of_all_samples() -> None:
    found = by_metric(latency_figures(SUBJECT, run()))
    assert found["latency_us:median"] == 3.0
    assert found["latency_us:min"] == 1.0
    assert found["latency_us:mean"] == 22.0
    assert found["latency_us:p95"] == pytest.approx(80.8)
    assert found["process_peak_bytes"] == 1000


def test_latency_that_could_not_be_had_has_a_reason_under_every_statistic() -> None:
    reason = Unavailable("no repeats were asked for")
    records = latency_figures(SUBJECT, run(latency_us=reason))
    assert {record.stat for record in records} == {"median", "p95", "min", "mean"}
    assert {record.value for record in records} == {reason}


def test_figures_of_a_run_carry_its_evidence_and_the_targets_fingerprint() -> None:
    for record in (*latency_figures(SUBJECT, run()), *execution_figures(SUBJECT, run())):
        assert record.evidence is Evidence.HOST
        assert record.identity.target == {"threads": "2", "cpu": "x"}
        assert record.identity.weights == "w"


def test_execution_is_what_the_run_proves_and_nothing_else() -> None:
    proved = run(proof=Proof(3, 4, "PMU counter"), npu_time_share=0.5, evidence=Evidence.MEASURED)
    assert by_metric(execution_figures(SUBJECT, proved)) == {"npu_executed_share": 0.75, "npu_time_share": 0.5}
    assert by_metric(execution_figures(SUBJECT, run())) == {
        "npu_executed_share": Unavailable("no NPU"),
        "npu_time_share": Unavailable("no NPU"),
    }


def test_offload_is_read_from_the_compiled_file(compilation: Callable[[str], Compilation]) -> None:
    records = offload_figures(SUBJECT, compilation("cpu_operator"))
    found = by_metric(records)
    assert found["npu_operator_share"] == pytest.approx(2 / 3)
    assert (found["operators_cpu"], found["npu_cpu_crossings"]) == (1, 2)
    assert found["operators_executed"] + found["operators_fused"] + found["operators_elided"] == 2
    estimated = {record.metric for record in records if record.evidence is Evidence.ESTIMATED}
    assert estimated == {"npu_cycle_share"}
    assert next(record for record in records if record.metric == "npu_operator_share").note == "REVERSE_V2"


def test_memory_fits_up_to_the_last_byte_and_not_one_byte_further(compilation: Callable[[str], Compilation]) -> None:
    made = compilation("detector")
    need = made.estimate.memory_bytes["sram"]

    def with_budget(size: int) -> Compilation:
        budget: dict[MemoryArea, MemoryBudget] = {"sram": MemoryBudget(size, "a test")}
        return dataclasses.replace(made, profile=dataclasses.replace(made.profile, budget=budget))

    assert budget_shortfalls(with_budget(need)) == ()
    (problem,) = budget_shortfalls(with_budget(need - 1))
    assert "of sram, the platform has" in str(problem)


def test_what_does_not_fit_says_what_is_too_small_and_which_size_would_fit(compilation: Callable[[str], Compilation]) -> None:
    made, shortfalls = compilation("detector"), [MemoryShortfall("the runner's arena", 5 << 20, 2 << 20)]
    fitting = {416: "416 px would fit (--imgsz auto)", 0: "no image size would fit"}
    for size, words in fitting.items():
        records = memory_figures(SUBJECT, made, 10, shortfalls, size)
        fits = next(record for record in records if record.metric == "fits")
        assert fits.value is False
        assert fits.note == f"needs 5.00 MiB, the runner's arena has 2.00 MiB; {words}"
        assert by_metric(records)["fitting_imgsz"] == size
    unknown = memory_figures(SUBJECT, made, 10, shortfalls, Unavailable("a TFLite file has one size"))
    assert next(record for record in unknown if record.metric == "fits").note.endswith("has 2.00 MiB")
    fine = by_metric(memory_figures(SUBJECT, made, 10, [], Unavailable("it fits")))
    assert fine["fits"] is True
    assert "fitting_imgsz" not in fine


def test_memory_figures_name_every_memory_that_is_needed(compilation: Callable[[str], Compilation]) -> None:
    made = compilation("detector")
    found = by_metric(memory_figures(SUBJECT, made, 4321, [], Unavailable("it fits")))
    assert found["flash_bytes"] == 4321
    assert found["arena_bytes"] == found["memory_bytes:sram"]
    assert all(value for name, value in found.items() if name.startswith("memory_bytes"))


def test_a_checkpoint_has_parameters_and_size_and_other_models_a_reason() -> None:
    trained = by_metric(identity_figures(SUBJECT, FACTS, "relu", "", 7_000_000))
    assert (trained["parameters"], trained["checkpoint_bytes"], trained["same_model_as"]) == (1234, 7_000_000, "none")
    seeded = by_metric(identity_figures(SUBJECT, FACTS, "relu", "twin", 0))
    assert seeded["checkpoint_bytes"] == Unavailable("no checkpoint file: seeded weights")
    assert seeded["same_model_as"] == "twin"
    tflite = by_metric(identity_figures(SUBJECT, None, "relu", "", 0))
    assert tflite["checkpoint_bytes"] == Unavailable("no checkpoint file: a quantised file was given")
    assert isinstance(tflite["parameters"], Unavailable)


def test_every_counter_of_an_npu_becomes_a_record_that_the_schema_knows() -> None:
    subject = dataclasses.replace(SUBJECT, identity=Identity(weights="a" * 64))
    counters = {"active_cycles": 33145, "total_cycles": 34178, "axi0_read_beats": 9332, "NPU NEW_THING": 7}
    records = execution_figures(subject, run(counters=counters, evidence=Evidence.SIMULATED_FVP))
    found = by_metric(records)
    assert found["npu_cycles:active"] == 33145
    assert found["npu_cycles:total"] == 34178
    assert found["npu_beats:axi0_read"] == 9332
    assert found["npu_counter:NPU NEW_THING"] == 7
    record_schema = Draft202012Validator({"$ref": "#/$defs/Measurement", "$defs": SCHEMA["$defs"]})
    for record in records:
        assert list(record_schema.iter_errors(record.to_json())) == []
