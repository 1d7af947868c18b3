"""What may go into a results.json: the writer holds every record against the schema, so that whoever reads it can.

A record that cannot be written is an error of its case; the others of the session are kept.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import TypeAdapter, ValidationError

from core.errors import EthosBenchError
from core.json_text import keepable, parse_json
from core.records.failure import Failure
from core.records.measurement import MEASUREMENT, Measurement
from core.records.sample_group import SampleGroup
from core.records.verdict import Verdict
from core.redaction import redacted, without_home
from harness.results.findings import Findings
from harness.results.stored_run import SCHEMA_FILE

VERDICT = TypeAdapter(Verdict)
FAILURE = TypeAdapter(Failure)
Noun = TypeVar("Noun", Measurement, Verdict, Failure)


def writable(findings: Findings) -> tuple[Findings, tuple[str, ...]]:
    """What of a test's findings can be written, and what is wrong with each of the rest."""
    problems: list[str] = []
    records = list(_kept(findings.records, MEASUREMENT, problems))
    verdicts = list(_kept(findings.verdicts, VERDICT, problems))
    samples = [group for group in findings.samples if not _said(problems, _wrong_samples(group))]
    return replace(findings, records=records, verdicts=verdicts, samples=samples), tuple(problems)


def writable_failure(failure: Failure) -> Failure:
    """The failure in words that can be kept: no secrets, no home folder, no NUL."""
    content = {key: keepable(without_home(redacted(text))) for key, text in failure.to_json().items()}
    return FAILURE.validate_python({**content, "test": content["test"] or "unknown"})


def _kept(nouns: Iterable[Noun], adapter: TypeAdapter[Noun], problems: list[str]) -> Iterable[Noun]:
    for noun in nouns:
        try:
            yield _written_and_read(noun, adapter)
        except (EthosBenchError, ValidationError, ValueError, TypeError, OverflowError) as error:
            name = noun.key if isinstance(noun, Measurement) else noun.claim if isinstance(noun, Verdict) else noun.test
            problems.append(f"`{name}` cannot be recorded: {_first_line(error)}")


def _written_and_read(noun: Noun, adapter: TypeAdapter[Noun]) -> Noun:
    """The noun as who reads the file will see it; ValueError when that would not be read."""
    text = json.dumps(_keepable(noun.to_json()), allow_nan=False)
    _require_readable(text, type(noun).__name__)
    return adapter.validate_json(text, strict=True)


@functools.lru_cache(maxsize=8192)
def _require_readable(text: str, noun: str) -> None:
    """Nothing, or ValueError; a test's figures come by twice, and those that claims are judged by once more for each claim."""
    problem = best_match(_validator(noun).iter_errors(parse_json(text)))
    if problem is not None:
        raise ValueError(f"{problem.json_path}: {problem.message[:200]}")


def _keepable(value: Any) -> Any:
    if isinstance(value, str):
        return keepable(redacted(value))
    if isinstance(value, dict):
        return {keepable(str(key)): _keepable(part) for key, part in value.items()}
    return value


def _wrong_samples(group: SampleGroup) -> str:
    wrong = next((sample for sample in group.latency_us if not (math.isfinite(sample) and sample >= 0)), None)
    return "" if wrong is None else f"the samples of `{group.case}` cannot be recorded: {wrong} is no time in microseconds"


def _said(problems: list[str], problem: str) -> bool:
    problems += [problem] * bool(problem)
    return bool(problem)


@functools.cache
def _validator(noun: str) -> Draft202012Validator:
    definitions = json.loads(SCHEMA_FILE.read_text("utf-8"))["$defs"]
    return Draft202012Validator({"$ref": f"#/$defs/{noun}", "$defs": definitions})


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'][:200]}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
