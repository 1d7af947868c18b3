"""A case is a model in one build, on one NPU, in one place, and called as its tests are."""

from __future__ import annotations

from core.records.case_key import CaseKey
from tests.harness.builders import measurement


def test_a_build_is_part_of_the_case_and_of_the_id_of_its_tests() -> None:
    plain, built = measurement().key, measurement(build="imgsz=320").key
    assert plain != built
    assert str(plain.case) == "level2_relu-ethos-u65-256-host"
    assert str(built.case) == "level2_relu~imgsz=320-ethos-u65-256-host"
    assert built.case.place == plain.case.place


def test_a_case_is_a_key() -> None:
    assert {CaseKey("v", "", "p", "t"): 1}[CaseKey("v", "", "p", "t")] == 1
    assert CaseKey("v", "", "p", "ssh:a") != CaseKey("v", "", "p", "ssh:a-b")
