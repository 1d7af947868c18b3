"""A case goes whole through the session: its key, with the build, comes out on every record and file."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.records.case_key import CaseKey
from harness.workbench.case import Case
from harness.workbench.options import BenchOptions
from harness.workbench.workbench import Workbench
from tests.benchmarks import tiny


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "mine.tflite"
    path.write_bytes(tiny.detector())
    return Workbench(BenchOptions(model=path, targets=("sim", "host"), profiles=("ethos-u55-128", "ethos-u65-256")), print)


def test_a_session_has_a_case_per_model_profile_and_target_in_this_order(session: Workbench) -> None:
    assert [str(case) for case in session.cases()] == [
        f"mine-{profile}-{target}" for profile in ("ethos-u55-128", "ethos-u65-256") for target in ("sim", "host")
    ]


def test_the_build_of_a_case_stands_on_its_records_and_in_the_names_of_its_files(session: Workbench) -> None:
    key = CaseKey("mine", "imgsz=320", "ethos-u55-128", "sim")
    case = Case(session, key)
    assert {record.case for record in [*case.identity(), *case.offload()]} == {key}
    file = "mine~imgsz=320-ethos-u55-128.json"
    assert list(case.findings.texts) == [f"placement/{file}", f"cycles/{file}"]
    session.close()
