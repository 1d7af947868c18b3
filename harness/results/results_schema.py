"""The JSON Schema of results.json, made from the records and the rows of metrics.

`python -m harness.results.results_schema` writes its file anew.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator

from core.metrics import FREE, METRICS, Metric
from core.records.evidence import Evidence
from core.records.failure import Failure
from core.records.identity import Identity
from core.records.measurement import ABSENCE, Measurement
from core.records.verdict import Verdict
from harness.results.results_file import RESULTS_FILE, RunHeader
from harness.results.stored_run import SCHEMA_FILE

NOUNS = (RunHeader, Measurement, Verdict, Failure, Identity, Evidence)
AMOUNTS = ("us", "bytes", "count", "cycles", "beats", "px")
Json = dict[str, "Json"] | list["Json"] | tuple["Json", ...] | str | int | float | bool | None


def results_schema() -> dict[str, Json]:
    """The whole schema."""
    found: dict[str, Json] = _plain(RESULTS_FILE.json_schema())
    definitions = found.pop("$defs")
    assert isinstance(definitions, dict)
    for noun in NOUNS:
        definition = definitions[noun.__name__]
        assert isinstance(definition, dict)
        definition["description"] = (inspect.getdoc(noun) or "").splitlines()[0]
    definitions.pop("Unavailable")
    definitions["Measurement"] = _with_absence(definitions["Measurement"])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/ethos-bench/ethos-bench/harness/results.schema.json",
        "title": "results.json of an ethos-bench run",
    }
    return {**head, **found, "$defs": definitions}


def _with_absence(record: Json) -> Json:
    """A record as it is written: with a value, or with the reason why there is none."""
    assert isinstance(record, dict)
    properties, required = record["properties"], record["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    fields: dict[str, Json] = {**properties, "value": {"type": ["number", "boolean", "string"]}}
    fields |= {key: {"type": "string", "minLength": 1} for key in ABSENCE}
    either: list[Json] = [{"required": [key]} for key in ("value", "unavailable")]
    return {
        **record,
        "properties": fields,
        "required": [key for key in required if key != "value"],
        "oneOf": either,
        "allOf": list(_rules()),
    }


def _rules() -> Iterator[Json]:
    """What a value may be by its unit, and what a metric has to name."""
    unbounded: list[Json] = [metric.name for metric in METRICS if metric.unit == "ratio" and not metric.bounded]
    elsewhere: Json = {"unit": {"const": "ratio"}, "metric": {"not": {"enum": unbounded}}}
    yield _when_valued(elsewhere, {"type": "number", "minimum": 0, "maximum": 1})
    yield _when_valued({"unit": {"enum": list(AMOUNTS)}}, {"type": "number", "minimum": 0})
    yield _when_valued({"unit": {"const": "bool"}}, {"type": "boolean"})
    yield _when_valued({"unit": {"const": "name"}}, {"type": "string"})
    for (stats, meant), metrics in _by_stats():
        named: dict[str, Json] = {} if meant else {"required": ["stat"]}  # older versions left out the one that is meant
        if stats != FREE:
            named["properties"] = {"stat": {"enum": list(stats)}}
        yield {"if": {"properties": {"metric": {"enum": [metric.name for metric in metrics]}}}, "then": named}
    graphed: list[Json] = [metric.name for metric in METRICS if "" not in metric.graphs]
    yield {"if": {"properties": {"metric": {"enum": graphed}}}, "then": {"required": ["graph"]}}


def _when_valued(properties: Json, value: Json) -> Json:
    return {"if": {"required": ["value"], "properties": properties}, "then": {"properties": {"value": value}}}


def _by_stats() -> Iterable[tuple[tuple[tuple[str, ...], str], list[Metric]]]:
    """The metrics that always have a stat, by the stats that they can have and the one that is meant where none is named."""
    found: dict[tuple[tuple[str, ...], str], list[Metric]] = {}
    for metric in METRICS:
        if "" not in metric.stats:
            found.setdefault((metric.stats, metric.stat), []).append(metric)
    return found.items()


def _plain(schema: Json) -> dict[str, Json]:
    """The schema without titles that repeat names, and without defaults, which are never written."""
    assert isinstance(schema, dict)
    kept: dict[str, Json] = {}
    for key, value in schema.items():
        if (key == "title" and isinstance(value, str)) or key == "default":
            continue
        kept[key] = _plain(value) if isinstance(value, dict) else value
    return kept


def main() -> None:
    """Write the schema's file anew."""
    SCHEMA_FILE.write_text(schema_text(), "utf-8")


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(results_schema(), indent=2) + "\n"


if __name__ == "__main__":
    main()
