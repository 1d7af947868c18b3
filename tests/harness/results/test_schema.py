"""The schema of results.json is strict: it takes what the records write, and refuses what interfaces rule out."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.records.evidence import Evidence
from core.records.identity import Identity
from core.records.measurement import ABSENCE, Measurement
from core.records.unavailable import Unavailable
from harness.claims.verdicts import decide, judge
from harness.results.results_schema import schema_text
from harness.results.stored_run import SCHEMA_FILE
from tests.harness.builders import claim, measurement, statement, suite
from tests.harness.schema import SCHEMA, problems

IDENTITY = Identity("a" * 64, "b" * 64, "c" * 64, "ethos-u65-256:0123", {"vela": "5.2.0"}, {"cpu": "x"}, {"cut": "raw"})


def results() -> dict[str, Any]:
    records = [
        measurement(identity=IDENTITY),
        measurement(metric="latency_us", unit="us", stat="median", value=12.5, evidence=Evidence.HOST, identity=IDENTITY),
        measurement(metric="map50_95", graph="int8", value=Unavailable("no data set"), identity=IDENTITY, note="n"),
        measurement(metric="fits", unit="bool", value=False, identity=IDENTITY),
        measurement(metric="activation", unit="name", value="relu", identity=Identity()),
        measurement(metric="map50_95_drop", graph="int8", value=-0.01, identity=Identity()),
    ]
    verdicts = [judge(claim(), [measurement()]), decide(statement("documented_ranking"), suite())]
    return {
        "schema": 1,
        "run": {
            "id": "r", "started": "2026-01-01T00:00:00+00:00", "commit": "0" * 40, "dirty": False,
            "command": "pytest benchmarks/", "host": {"cores": "2"}, "versions": {"numpy": "2"},
        },
        "records": [record.to_json() for record in records],
        "verdicts": [verdict.to_json() for verdict in verdicts],
        "failures": [{"test": "t", "message": "m"}],
    }  # fmt: skip


def test_the_file_of_the_schema_is_the_one_that_the_records_make() -> None:
    """`python -m harness.results.results_schema` writes it anew."""
    assert schema_text() == SCHEMA_FILE.read_text("utf-8")


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert "2020-12" in SCHEMA["$schema"]


def test_what_records_and_verdicts_write_is_valid() -> None:
    assert problems(results()) == []


def test_every_kind_of_evidence_is_in_the_schema_and_no_other() -> None:
    assert SCHEMA["$defs"]["Evidence"]["enum"] == [kind.value for kind in Evidence]


def test_every_field_of_a_record_is_in_the_schema() -> None:
    fields = set(Measurement.__dataclass_fields__) | set(ABSENCE)
    assert set(SCHEMA["$defs"]["Measurement"]["properties"]) == fields
    assert set(SCHEMA["$defs"]["Identity"]["properties"]) == set(Identity.__dataclass_fields__)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("surprise",), 1),
        (("records", 0, "surprise"), 1),
        (("records", 0, "unavailable"), "a reason beside a value"),
        (("records", 0, "evidence"), "guessed"),
        (("records", 0, "value"), None),
        (("records", 0, "value"), 1.5),
        (("records", 0, "value"), -0.1),
        (("records", 0, "value"), [1]),
        (("records", 0, "variant"), ""),
        (("records", 0, "unit"), "parsecs"),
        (("records", 0, "metric"), "NPU Share"),
        (("records", 1, "value"), -1.0),
        (("records", 1, "stat"), "mode"),
        (("records", 2, "unavailable"), ""),
        (("records", 2, "graph"), "double"),
        (("records", 3, "value"), "yes"),
        (("records", 4, "value"), 3),
        (("records", 0, "identity", "surprise"), "x"),
        (("records", 0, "identity", "weights"), "abc"),
        (("records", 0, "identity", "tools", "vela"), 5.2),
        (("run", "started"), "yesterday"),
        (("run", "commit"), "abc"),
        (("run", "dirty"), "no"),
        (("run", "surprise"), 1),
        (("verdicts", 0, "outcome"), "fine"),
        (("verdicts", 0, "comparability"), "perhaps"),
        (("verdicts", 0, "surprise"), 1),
        (("verdicts", 0, "difference"), "much"),
        (("failures", 0, "surprise"), 1),
        (("failures", 0, "message"), 1),
    ],
)
def test_a_wrong_value_is_refused(path: tuple[str | int, ...], value: Any) -> None:
    changed = copy.deepcopy(results())
    place: Any = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert problems(changed)


@pytest.mark.parametrize(
    "path",
    [
        ("run",), ("records",), ("verdicts",), ("failures",), ("run", "id"), ("run", "versions"), ("records", 0, "value"),
        ("records", 0, "identity"), ("records", 0, "unit"), ("records", 0, "target"), ("records", 1, "stat"),
        ("records", 2, "graph"),
        ("records", 2, "unavailable"), ("verdicts", 0, "documented"), ("verdicts", 0, "found"), ("failures", 0, "test"),
    ],
)  # fmt: skip
def test_a_missing_field_is_refused(path: tuple[str | int, ...]) -> None:
    changed = copy.deepcopy(results())
    place: Any = changed
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    assert problems(changed)
