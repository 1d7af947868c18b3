"""`--frontend`: each front end makes builds of its own, and the figures of a build come from the file that it names.

Covers harness.workbench.session, harness.workbench.conversions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness.workbench.conversions as conversions
import harness.workbench.models as models
import harness.workbench.options as options
import harness.workbench.session as session
from conversion.executorch.lowering import lowered_source
from conversion.pipeline import tflite_source
from core.errors import ToolMissing, UsageError
from core.progress import to_nobody
from core.records.case_key import CaseKey
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from harness.workbench.case import Case
from harness.workbench.options import BenchOptions
from harness.workbench.suite import AllModels
from harness.workbench.workbench import Workbench
from tests.benchmarks import tiny
from tests.conversion.executorch.stand_ins import CALIBRATION, FACTS, lowered_without_executorch
from tests.harness.builders import claim, statement

BUILDS = ("", "frontend=executorch+layout=nchw", "frontend=executorch+layout=nhwc")
BOTH = ("tflite", "executorch")


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint that nobody has to load, convert or lower: both front ends give tiny files."""
    lowered_without_executorch(monkeypatch, tmp_path)
    (tmp_path / "tiny.tflite").write_bytes(tiny.detector())
    by_tflite = replace(tflite_source(tmp_path / "tiny.tflite"), variant="mine", facts=FACTS)
    for module in (models, session):
        monkeypatch.setattr(module, "facts_of", lambda *_: FACTS)
    monkeypatch.setattr(conversions, "int8_source", lambda *_: by_tflite)
    monkeypatch.setattr(conversions, "packaged_calibration", lambda: CALIBRATION)
    monkeypatch.setattr(options, "executorch_python", lambda: Path("python"))
    path = tmp_path / "mine.pt"
    path.write_bytes(b"not read")
    return path


def bench(checkpoint: Path, frontends: tuple[str, ...], **more: Any) -> Workbench:
    return Workbench(BenchOptions(checkpoint=checkpoint, frontends=frontends, **more), to_nobody)  # type: ignore[arg-type]


def offload(bench: Workbench, key: CaseKey) -> tuple[list[Measurement], Mapping[str, int]]:
    """A case's records, and how many operators of each kind its placement has."""
    case = Case(bench, key)
    records = case.offload()
    ((_, text),) = [(name, text) for name, text in case.findings.texts.items() if name.startswith("placement/")]
    return records, Counter(one["operator"] for one in json.loads(text)["operators"])


def test_each_front_end_has_cases_of_its_own(checkpoint: Path) -> None:
    for frontends, builds in (((), BUILDS[:1]), (("tflite",), BUILDS[:1]), (("executorch",), BUILDS[1:]), (BOTH, BUILDS)):
        asked = frontends or BenchOptions().frontends
        assert tuple(case.build for case in bench(checkpoint, asked).cases()) == builds
    assert len(set(bench(checkpoint, BOTH).cases())) == 3


@pytest.mark.slow
def test_records_of_a_lowered_build_name_it_and_come_from_its_tosa_graph(checkpoint: Path) -> None:
    both = bench(checkpoint, BOTH)
    found = {key.build: offload(both, key) for key in both.cases()}
    assert tuple(found) == BUILDS
    for build, (records, kinds) in found.items():
        assert {record.build for record in records} == {build}
        source = both.conversions.source(CaseKey("mine", build, "ethos-u65-256", "sim"))
        assert {record.identity.tflite for record in records} == {source.int8.sha256}
        frontends = {record.identity.options.get("frontend", "") for record in records}
        if build:
            assert kinds["CONV2D"] == 2
            assert not any("CONV_2D" in kind for kind in kinds)
            assert frontends == {"ExecuTorch 1.5.1"}
            assert {record.identity.options["recipe"] for record in records} == {"pt2e"}
        else:
            assert kinds["CONV2D"] == 0
            assert frontends == {""}


def test_each_npu_is_lowered_for(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(*arguments: Any) -> Any:
        asked.append(arguments[4].name)
        return lowered_source(*arguments)

    monkeypatch.setattr(conversions, "lowered_source", noted)
    both = bench(checkpoint, ("executorch",), profiles=("ethos-u65-256", "ethos-u85-256"))
    for key in (*both.cases(), *both.cases()):
        both.conversions.source(key)
    assert sorted(asked) == ["ethos-u65-256"] * 2 + ["ethos-u85-256"] * 2


BY_PLACEMENT = claim(id="compatible", variant="level3_relu", metric="npu_operator_share")
BY_RULES = claim(id="compatible-n78", variant="level3_relu", metric="rules_operator_share", rules="ethos-n78")
ACCURATE = claim(id="accurate", variant="level3_relu", metric="map50_95", graph="int8")


@pytest.mark.slow
def test_claims_are_judged_for_each_lowered_build_and_what_only_rules_judge_is_said(checkpoint: Path) -> None:
    documented = checkpoint.rename(checkpoint.with_name("level3_relu.pt"))
    lowered = bench(documented, ("executorch",), profiles=("ethos-u65-256", "ethos-u85-256"))
    for key in lowered.cases():
        placed, accurate, by_rules = Case(lowered, key).judge([BY_PLACEMENT, BY_RULES, ACCURATE])
        assert {(one.build, one.profile) for one in (placed, accurate, by_rules)} == {(key.build, key.profile)}
        placement = lowered.conversions.artefact(key).compilation.placement
        assert (placed.outcome, placed.found) == ("exceeded", placement.operator_share)
        assert "the TOSA graph that ExecuTorch 1.5.1 lowered" in placed.why
        assert (by_rules.outcome, by_rules.evidence) == ("no figure", Evidence.RULES)
        assert "judge layers of TFLite" in by_rules.note
        assert accurate.outcome == "no figure"
    statements = [statement("needs_four_gigabytes"), statement("variants_above_base", rules="ethos-n78")]
    for build in BUILDS[1:]:
        memory, above = AllModels(lowered, "ethos-u85-256", "sim", build).judge(statements)
        assert (memory.outcome, memory.build) == ("refuted", build)
        assert (above.outcome, above.build) == ("no figure", build)
        assert "judge layers of TFLite" in above.note


def test_the_rules_of_a_session_with_both_front_ends_judge_its_tflite_file(checkpoint: Path) -> None:
    documented = checkpoint.rename(checkpoint.with_name("level3_relu.pt"))
    both = bench(documented, BOTH)
    assert both.rulings.has(BY_RULES)
    assert both.rulings.unjudged == ""
    lowered = Case(both, CaseKey("level3_relu", BUILDS[1], "ethos-u65-256", "sim"))
    assert lowered.judge([BY_RULES]) == [], "its verdict is the TFLite file's"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image_size": "auto"}, "--imgsz auto with --frontend executorch"),
        ({"targets": ("host",)}, "--target host with --frontend executorch"),
        ({"recipe": "fast"}, "--recipe fast with --frontend executorch"),
        ({"rules": ("ethos-n78",)}, "--rules ethos-n78 with --frontend executorch"),
    ],
)
def test_what_a_lowered_model_cannot_have_is_a_usage_error(checkpoint: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        bench(checkpoint, ("executorch",), **more)


def test_without_executorch_the_session_ends_with_the_line_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path))
    (tmp_path / "mine.pt").write_bytes(b"")
    with pytest.raises(ToolMissing) as told:
        bench(tmp_path / "mine.pt", ("executorch",))
    assert told.value.hint == "make executorch"
