"""Records survive the trip through JSON whole, and a figure that could not be had stays one."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.checkpoint_facts import CheckpointFacts
from core.records.claim import Comparability
from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from core.records.verdict import Outcome, Verdict

TEXT = st.text(max_size=20)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=3)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
VALUES = NUMBERS | st.booleans() | TEXT | st.builds(Unavailable, TEXT)
IDENTITIES = st.builds(Identity, TEXT, TEXT, TEXT, TEXT, TEXTS, TEXTS, TEXTS)
MEASUREMENTS = st.builds(
    Measurement, TEXT, TEXT, TEXT, TEXT, VALUES, TEXT, st.sampled_from(Evidence), IDENTITIES, TEXT, TEXT, TEXT
)
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
    with pytest.raises(KeyError):
        Measurement.from_json(record)


def test_evidence_that_nobody_knows_is_refused() -> None:
    record = Measurement("v", "p", "t", "m", 1, "u", Evidence.HOST).to_json()
    with pytest.raises(ValueError, match="guessed"):
        Measurement.from_json({**record, "evidence": "guessed"})


@given(IDENTITIES)
def test_an_identity_leaves_out_what_the_figure_does_not_depend_on(identity: Identity) -> None:
    found = identity.to_json()
    assert all(found.values())
    assert Identity(**found) == identity  # type: ignore[arg-type]  # JSON's values


@given(
    st.builds(
        Verdict, TEXT, TEXT, TEXT, TEXT, TEXT, st.sampled_from(OUTCOMES), st.sampled_from(COMPARABLE), TEXT,
        NUMBERS | TEXT, NUMBERS | TEXT, st.none() | NUMBERS, TEXT, st.sampled_from(Evidence), TEXT, TEXT,
    )
)  # fmt: skip
def test_a_verdict_keeps_every_field_in_json(verdict: Verdict) -> None:
    found = through_json(verdict.to_json())
    assert Verdict(**{**found, "evidence": Evidence(found["evidence"])}) == verdict


@given(
    st.builds(
        CheckpointFacts, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=4).map(tuple), st.integers(0), st.integers(0),
        st.lists(st.integers(1, 64), max_size=3).map(tuple), st.integers(1, 32), st.booleans(),
    )
)  # fmt: skip
def test_facts_come_back_from_json_as_they_were(facts: CheckpointFacts) -> None:
    assert CheckpointFacts.from_json(through_json(facts.to_json())) == facts


def test_an_unavailable_value_is_no_number() -> None:
    record = Measurement("v", "p", "t", "latency_us", Unavailable("no board"), "us", Evidence.MEASURED).to_json()
    assert record["unavailable"] == "no board"
    assert not any(isinstance(value, float) and math.isnan(value) for value in record.values())
