"""Records survive the trip through JSON whole, and a figure that could not be had stays one.

Covers core.records.figure_key.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from core.records.checkpoint_facts import CheckpointFacts
from core.records.claim import Comparability
from core.records.evidence import Evidence
from core.records.failure import Failure
from core.records.field_types import Unit
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from core.records.verdict import Outcome, Verdict
from tests.harness.builders import measurement

TEXT = st.text(max_size=20)
NAME = st.text(min_size=1, max_size=20)
OPTIONAL = st.just("") | NAME
METRIC = st.from_regex("[a-z][a-z0-9_]{0,20}", fullmatch=True)
SHA = st.just("") | st.text("0123456789abcdef", min_size=64, max_size=64)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=3)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
ABSENT = st.builds(Unavailable, NAME, st.sampled_from(["", "shortfall"]), OPTIONAL)
VALUES = NUMBERS | st.booleans() | TEXT | ABSENT
IDENTITIES = st.builds(Identity, SHA, SHA, SHA, OPTIONAL, TEXTS, TEXTS, TEXTS)
UNITS: list[Unit] = ["ratio", "us", "bytes", "count", "bool", "name", "cycles", "beats", "px"]
MEASUREMENTS = st.builds(
    Measurement, variant=NAME, profile=NAME, target=NAME, metric=METRIC, value=VALUES, unit=st.sampled_from(UNITS),
    evidence=st.sampled_from(Evidence), identity=IDENTITIES, build=OPTIONAL, stat=OPTIONAL,
    graph=st.sampled_from(["", "float", "int8", "npu"]), note=OPTIONAL, replayed_from=OPTIONAL,
)  # fmt: skip
OUTCOMES: list[Outcome] = ["confirmed", "exceeded", "fell short", "refuted", "not comparable", "no figure"]
COMPARABLE: list[Comparability] = ["same", "proxy", "none"]


def through_json(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
    return found


@given(MEASUREMENTS)
def test_a_measurement_comes_back_from_json_as_it_was(measurement: Measurement) -> None:
    found = Measurement.from_json(through_json(measurement.to_json()))
    assert found == measurement
    assert type(found.value) is type(measurement.value)


@given(MEASUREMENTS)
def test_a_record_has_a_value_or_a_reason_and_never_both(measurement: Measurement) -> None:
    record = measurement.to_json()
    assert ("value" in record) != ("unavailable" in record)
    assert ("unavailable" in record) == isinstance(measurement.value, Unavailable)


@given(MEASUREMENTS, st.sampled_from(["variant", "metric", "unit", "evidence", "identity"]))
def test_a_record_without_a_field_is_refused(measurement: Measurement, missing: str) -> None:
    record = measurement.to_json()
    del record[missing]
    with pytest.raises(ValueError, match=missing):
        Measurement.from_json(record)


def test_evidence_that_nobody_knows_is_refused() -> None:
    record = measurement().to_json()
    with pytest.raises(ValueError, match="guessed"):
        Measurement.from_json({**record, "evidence": "guessed"})


@given(IDENTITIES)
def test_an_identity_leaves_out_what_the_figure_does_not_depend_on(identity: Identity) -> None:
    found = identity.to_json()
    assert all(found.values())
    assert Identity(**found) == identity  # type: ignore[arg-type]  # JSON's values


@given(
    st.builds(
        Verdict, claim=NAME, variant=NAME, profile=NAME, target=NAME, text=NAME, outcome=st.sampled_from(OUTCOMES),
        comparability=st.sampled_from(COMPARABLE), why=NAME, documented=NUMBERS | TEXT, found=NUMBERS | TEXT,
        difference=st.none() | NUMBERS, unit=TEXT, evidence=st.sampled_from(Evidence), document=NAME, note=TEXT,
        build=OPTIONAL, metric=st.just("") | METRIC, graph=st.sampled_from(["", "float", "int8", "npu"]),
    )
)  # fmt: skip
def test_a_verdict_comes_back_from_json_as_it_was(verdict: Verdict) -> None:
    found = TypeAdapter(Verdict).validate_json(json.dumps(verdict.to_json()), strict=True)
    assert found == verdict
    assert [type(number) for number in (found.documented, found.found)] == [
        type(number) for number in (verdict.documented, verdict.found)
    ]


@given(st.builds(Failure, test=NAME, message=TEXT, name=TEXT, variant=TEXT, build=TEXT, profile=TEXT, target=TEXT))
def test_a_failure_comes_back_from_json_with_its_case(failure: Failure) -> None:
    found = TypeAdapter(Failure).validate_json(json.dumps(failure.to_json()), strict=True)
    assert found == failure
    assert found.case == failure.case


def test_a_record_with_a_value_and_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        Measurement.from_json({**measurement().to_json(), "unavailable": "no board"})


@given(
    st.builds(
        CheckpointFacts, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=4).map(tuple), st.integers(0), st.integers(0),
        st.lists(st.integers(1, 64), max_size=3).map(tuple), st.integers(1, 32), st.booleans(),
    )
)  # fmt: skip
def test_facts_come_back_from_json_as_they_were(facts: CheckpointFacts) -> None:
    assert CheckpointFacts.from_json(through_json(facts.to_json())) == facts


def test_an_unavailable_value_is_no_number() -> None:
    record = measurement(value=Unavailable("no board")).to_json()
    assert record["unavailable"] == "no board"
    assert not any(isinstance(value, float) and math.isnan(value) for value in record.values())
