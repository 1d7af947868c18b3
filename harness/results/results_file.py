"""What a results.json holds: the one definition that the writer, the readers, the JSON Schema and the history share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from core.records.failure import Failure
from core.records.field_types import FILE_RECORD, Instant, Name
from core.records.measurement import Measurement
from core.records.verdict import Verdict

Commit = Annotated[
    str,
    StringConstraints(pattern="^([0-9a-f]{40}|unknown)$"),
    Field(description='Of the harness; "unknown" outside a checkout.'),
]
RunId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"),
    Field(description="Names files and folders: letters, digits, dots, dashes and underscores."),
]
End = Annotated[Instant, Field(description="Absent while the run goes on, and for ever when it was killed.")]


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """What a run was: `started` in ISO 8601 UTC, `commit` of the harness with `dirty`, `versions` package -> version.

    `finished` (ISO 8601 UTC, "" until then) and `exit_code` say that the session came to its end, and how.
    """

    __pydantic_config__ = FILE_RECORD

    id: RunId
    started: Instant
    commit: Commit
    dirty: bool
    command: Name
    host: dict[str, str]
    versions: dict[str, str]
    finished: End = ""
    exit_code: int = 0

    def to_json(self) -> dict[str, Any]:
        """`run` of results.json; a run that is going on has no end yet."""
        content = asdict(self)
        return content if self.finished else {key: content[key] for key in content if key not in ("finished", "exit_code")}


@dataclass(frozen=True, kw_only=True)
class ResultsFile:
    """A results.json: what a run was, every figure, every verdict on a claim, and the tests that failed."""

    __pydantic_config__ = FILE_RECORD

    schema: Literal[1]
    run: RunHeader
    records: tuple[Measurement, ...]
    verdicts: tuple[Verdict, ...]
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, Any]:
        """The content of the file, from which `read` makes the same again."""
        return {
            "schema": self.schema,
            "run": self.run.to_json(),
            "records": [record.to_json() for record in self.records],
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "failures": [failure.to_json() for failure in self.failures],
        }


RESULTS_FILE = TypeAdapter(ResultsFile)


@dataclass(frozen=True)
class ThresholdResult:
    """What came of a threshold of `--acceptance` in words: a line of acceptance.json, which holds more of the threshold."""

    text: str
    variant: str
    profile: str
    met: bool
    found: str
    build: str = ""
    target: str = ""


@dataclass(frozen=True)
class AcceptanceFile:
    """acceptance.json."""

    thresholds: tuple[ThresholdResult, ...]


ACCEPTANCE_FILE = TypeAdapter(AcceptanceFile)
