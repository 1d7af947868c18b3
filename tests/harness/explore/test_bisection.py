"""Between which Velas a figure changed.

Covers harness.explore.bisection, harness.explore.sightings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from conversion.pipeline import tflite_source
from conversion.profile_files import load_profile
from conversion.velas.environments import is_at_hand
from conversion.velas.versions import installed_version, versions_named
from core.errors import UsageError
from core.records.unavailable import Unavailable
from harness.explore.bisection import Change, Watched, bisect
from harness.explore.sightings import Question, Sighting
from tests.benchmarks import tiny
from tests.conversion.tflite_builder import TinyModel
from tests.harness.explore.flipped import flip_first_byte
from tests.lanes import skip_reason

VERSIONS = tuple(f"1.{number}.0" for number in range(20))
CPU = Watched("operators_cpu")


def question(content: bytes, folder: Path, npu: str = "ethos-u55-128") -> Question:
    path = folder / "model.tflite"
    path.write_bytes(content)
    return Question(tflite_source(path), load_profile(npu))


@dataclass(frozen=True)
class Known(Watched):
    """A figure whose value at each version is known."""

    values: tuple[str, ...] = ()

    def value(self, sighting: Sighting) -> str:
        return self.values[VERSIONS.index(sighting.version)]


def found(values: Sequence[str], asked: Question) -> tuple[Change, list[str]]:
    """The change, and the versions that were looked at."""
    looks: list[str] = []
    watched = Known("operators_cpu", values=tuple(values))
    change = bisect(
        VERSIONS,
        lambda version: Sighting(asked, version, Unavailable("none")),
        watched,
        lambda one, _: looks.append(one.version),
    )
    return change, looks


@pytest.mark.parametrize("place", [1, 7, 10, 19])
def test_the_neighbours_of_a_change_are_found_by_halving(place: int, tmp_path: Path) -> None:
    values = ["59"] * place + ["0"] * (len(VERSIONS) - place)
    change, looks = found(values, question(tiny.detector(), tmp_path))
    assert (change.before.version, change.after.version) == (VERSIONS[place - 1], VERSIONS[place])
    assert change.values == ("59", "0")
    assert len(looks) <= 2 + math.ceil(math.log2(len(VERSIONS)))
    assert len(set(looks)) == len(looks)


def test_of_several_changes_one_between_neighbours_is_found(tmp_path: Path) -> None:
    values = ["a", "b", "a", "c", *["d"] * 16]
    change, _ = found(values, question(tiny.detector(), tmp_path))
    first = VERSIONS.index(change.before.version)
    assert VERSIONS.index(change.after.version) == first + 1
    assert values[first] != values[first + 1]


def test_equal_ends_are_no_change_and_nothing_between_is_looked_at(tmp_path: Path) -> None:
    change, looks = found(["1"] * len(VERSIONS), question(tiny.detector(), tmp_path))
    assert not change.found
    assert looks == [VERSIONS[0], VERSIONS[-1]]


def test_one_version_is_no_range() -> None:
    with pytest.raises(UsageError, match="names 1 version"):
        bisect(VERSIONS[:1], lambda version: pytest.fail(version), CPU, lambda *_: None)


@pytest.mark.parametrize(
    ("metric", "stat", "hint"), [("operator_cpu", "", "operators_cpu"), ("map50", "", ""), ("fits", "open", "")]
)
def test_a_figure_that_no_compilation_has_is_refused_with_the_nearest(metric: str, stat: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        Watched(metric, stat)
    assert hint in str(told.value)


def test_a_refusal_of_vela_is_a_value_with_its_reason(tmp_path: Path) -> None:
    model = TinyModel()
    image = model.tensor((1, 8, 8, 4), "image")
    plain = question(model.finish([image], [model.conv(image, 4)]), tmp_path)
    refused = replace(plain, profile=replace(plain.profile, memory_mode="No_Such_Mode")).through(installed_version())
    assert isinstance(refused.made, Unavailable)
    assert "No_Such_Mode" in CPU.value(refused) or "Vela failed" in CPU.value(refused)
    assert refused.figures(with_bytes=True) == []


def test_a_sighting_has_placement_estimates_memory_and_right_bytes(tmp_path: Path) -> None:
    seen = question(tiny.detector(), tmp_path).through(installed_version())
    figures = {(one.metric, one.stat): one for one in seen.figures(with_bytes=True)}
    assert figures["bit_exact", ""].value is True
    assert figures["operators_cpu", ""].value == 0
    assert figures["npu_estimated_us", "open"].number
    assert {one.build for one in figures.values()} == {f"vela={installed_version()}"}
    assert CPU.value(seen) == "0"


def test_a_wrong_byte_is_seen_and_its_operator_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = question(tiny.detector(), tmp_path).through(installed_version())
    flip_first_byte(monkeypatch)
    assert Watched("bit_exact").value(seen) == "no"
    departed = seen.first_departure()  # the simulator itself is right, so no operator departs
    assert isinstance(departed, Unavailable)


def transposing() -> bytes:
    """A convolution and a TRANSPOSE, which Velas before 5.0 leave to the CPU."""
    model = TinyModel()
    image = model.tensor((1, 8, 12, 16), "image")
    turned = model.tensor((1, 16, 8, 12), "turned")
    order = model.constant(np.array([0, 3, 1, 2], "int32"), "order")
    made = model.operator("TRANSPOSE", [model.conv(image, 16), order], [turned], schema.TransposeOptionsT())
    return model.finish([image], [made])


@pytest.fixture
def _velas() -> None:
    if reason := skip_reason("velas", lambda: "" if is_at_hand("4.2.0") else "Vela 4.2.0 is not here: type make velas"):
        pytest.skip(reason)


@pytest.mark.slow
@pytest.mark.usefixtures("_velas")
def test_the_real_velas_between_which_a_transpose_moved_to_the_npu(tmp_path: Path) -> None:
    asked = question(transposing(), tmp_path, "ethos-u65-256")
    versions = versions_named(f"4.2.0,{installed_version()}")
    change = bisect(versions, asked.through, CPU, lambda *_: None)
    assert change.values == ("1", "0")
    (move,) = change.moved(CPU)
    assert (move.operator, move.before, move.after, move.indices) == ("TRANSPOSE", "cpu", "executed", (1,))
    assert move.reason
    assert change.moved(Watched("operators_fused")) == []
    assert Watched("bit_exact").value(change.before) == Watched("bit_exact").value(change.after) == "yes"
