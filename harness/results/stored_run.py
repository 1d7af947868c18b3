"""A finished run, read back: what every report, export and comparison starts from, and what the history keeps."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic import TypeAdapter, ValidationError

from core.errors import UsageError
from core.files import read_regular, sha256
from core.installation import install_line
from core.json_text import parse_json
from core.records.failure import Failure
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.operator_cycles import ModelCycles, read_model_cycles
from core.records.placement import Placement, read_placement
from core.records.sample_group import SampleGroup
from core.records.verdict import Verdict
from core.safe_paths import path_inside
from harness.results.file_names import cycles_name, found_name, placement_name
from harness.results.older_files import with_case, with_figure, with_kind
from harness.results.results_file import ACCEPTANCE_FILE, RESULTS_FILE, ResultsFile, RunHeader, ThresholdResult

SCHEMA_FILE = Path(__file__).parent / "results.schema.json"
RESULTS = "results.json"
UNWRITTEN = "unwritten.jsonl"
"""What a run found since it wrote results.json, one JSON object a line: there while it goes on, and when it was killed."""
MOST_RESULTS_BYTES = 1 << 28
HINT = "ethos-bench history"
GROUPS = TypeAdapter(tuple[SampleGroup, ...])


@dataclass(frozen=True)
class StoredRun:
    """One run: `written` is its results.json, `samples` by case, `folder` where it lay.

    A run of the history may have lost its folder: what only the folder holds is None then.
    """

    written: ResultsFile
    samples: tuple[SampleGroup, ...]
    folder: Path

    @property
    def id(self) -> str:
        """The run's name, unique among all."""
        return self.header.id

    @property
    def header(self) -> RunHeader:
        """What the run was."""
        return self.written.run

    @cached_property
    def records(self) -> tuple[Measurement, ...]:
        """The figures, in the order of the run."""
        return tuple(map(with_kind, self.written.records))

    @cached_property
    def figures(self) -> Mapping[FigureKey, Measurement]:
        """Every figure by its key."""
        return {record.key: record for record in self.records}

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on claims, in the order of the run."""
        return tuple(with_figure(verdict, self.figures) for verdict in self.written.verdicts)

    @cached_property
    def failures(self) -> tuple[Failure, ...]:
        """The tests that failed, with their messages."""
        cases = list(dict.fromkeys(record.case for record in self.records))
        return tuple(with_case(failure, cases) for failure in self.written.failures)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; one that was killed, or is going on, did not."""
        return bool(self.header.finished)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content of results.json, whatever the order of its keys."""
        return sha256(canonical(self.written.to_json()))

    @cached_property
    def thresholds(self) -> tuple[ThresholdResult, ...]:
        """What came of the thresholds of `--acceptance`, none for a run without."""
        text = self._text("acceptance.json")
        if text is None:
            return ()
        try:
            return ACCEPTANCE_FILE.validate_json(text).thresholds
        except ValidationError as error:
            file = self.folder / "acceptance.json"
            raise _broken(file, "it holds no thresholds", "the file that --acceptance writes") from error

    def placement(self, model: str, profile: str) -> Placement | None:
        """The place of every operator of a compiled model, None when the run kept none."""
        name = placement_name(model, profile)
        text = self._text(name)
        try:
            return None if text is None else read_placement(_parsed(self.folder / name, text))
        except (KeyError, TypeError, ValueError) as error:
            raise _broken(self.folder / name, "it is no placement", "a list of operators") from error

    def cycles(self, model: str, profile: str) -> ModelCycles | None:
        """What our cycle model says of every operator of a compiled model, None when the run kept nothing of it."""
        name = cycles_name(model, profile)
        text = self._text(name)
        try:
            return None if text is None else read_model_cycles(text)
        except ValueError as error:
            raise _broken(self.folder / name, "it holds no cycles", "what our cycle model says of each operator") from error

    def detections(self, model: str, graph: str) -> Any | None:
        """The COCO result list of a graph, None when the run kept none."""
        return self.found("detections", model, graph)

    def found(self, folder: str, model: str, graph: str) -> Any | None:
        """What a graph found, as its task keeps it, None when the run kept nothing.

        Of `npu`, what the first of its NPUs and targets found that the run has an accuracy of.
        """
        ran = (f"npu-{one.profile}-{one.target}" for one in self.records if one.graph == graph and one.case.model == model)
        name = found_name(folder, model, next(ran, graph) if graph == "npu" else graph)
        text = self._text(name)
        return None if text is None else _parsed(self.folder / name, text)

    def _text(self, name: str) -> str | None:
        """A file of the folder, None when it is not there, or is a link that leads out of it."""
        with contextlib.suppress(UsageError):
            path = path_inside(self.folder, name)
            return _read(path) if path.is_file() else None
        return None

    def to_json(self) -> dict[str, Any]:
        """A mapping for the spool."""
        samples = [group.to_json() for group in self.samples]
        return {"content": self.written.to_json(), "samples": samples, "folder": str(self.folder)}

    @classmethod
    def from_json(cls, text: str) -> StoredRun:
        """The run of a file of the spool; KeyError or ValueError when something is missing or of another kind."""
        value = parse_json(text)
        return stored_run(value["content"], value["samples"], Path(value["folder"]))


def stored_run(content: object, samples: object, folder: Path) -> StoredRun:
    """The run of parsed JSON: of the content of a results.json, and of a list of groups of samples."""
    written = RESULTS_FILE.validate_json(json.dumps(content), strict=True)
    return StoredRun(written, GROUPS.validate_json(json.dumps(samples), strict=True), folder)


def canonical(value: object) -> str:
    """One JSON text per value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_run(path: Path, *, checked: bool = True) -> StoredRun:
    """The run of a results folder, or of a results.json; UsageError names what is missing, cut short or of another form.

    Checking a large run against the schema takes a second: a run that this process has just written needs none.
    """
    file = path / RESULTS if path.is_dir() else path
    content = _with_unwritten(_parsed(file, _read(file)), file.parent / UNWRITTEN)
    if not isinstance(content, dict) or content.get("schema") != 1:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        newer = install_line() if isinstance(found, int) and found > 1 else ""
        raise _broken(file, f"its schema is {found!r}", "schema 1", newer)
    problem = best_match(_validator().iter_errors(content)) if checked else None
    if problem is not None:
        raise _broken(file, f"{problem.json_path}: {problem.message[:200]}", "harness/results/results.schema.json")
    try:
        written = RESULTS_FILE.validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _broken(file, f"{where}: {first['msg'][:200]}", "harness/results/results.schema.json") from error
    return StoredRun(written, tuple(_samples(file.parent / "samples.jsonl")), file.parent.absolute())


def _samples(path: Path) -> Iterator[SampleGroup]:
    """The groups of samples.jsonl; a last line that was cut off is left out with the sample it would have had."""
    lines = _lines(path)
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = parse_json(line)
            latency = float(row["latency_us"])
            rows.append(({key: str(row[key]) for key in HEAD} | {"build": str(row.get("build", ""))}, latency))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            if number == len(lines):
                break
            raise _broken(path, f"line {number} is no sample", "one JSON object a line") from error
    yield from _grouped(rows)


def _lines(path: Path) -> list[str]:
    """The lines of a file of ours, none when there is no such file."""
    try:
        return read_regular(path).decode("utf-8", "replace").split("\n") if path.exists() else []
    except OSError as error:
        raise _broken(path, str(error.strerror or error), "one JSON object a line") from error


def _with_unwritten(content: Any, path: Path) -> Any:
    """The content of a results.json with what its run has found since; a last line that was cut off is left out."""
    lines = [line for line in _lines(path) if line]
    for number, line in enumerate(lines, 1):
        try:
            for key, nouns in parse_json(line).items():
                kept = {canonical(_name_of(key, noun)) for noun in content[key]}
                content[key] += [noun for noun in nouns if canonical(_name_of(key, noun)) not in kept]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number < len(lines):
                raise _broken(path, f"line {number} is no finding", "one JSON object a line") from error
    return content


NAMED_BY = {
    "records": ("variant", "build", "profile", "target", "metric", "stat", "graph"),
    "verdicts": ("claim", "variant", "build", "profile", "target"),
}


def _name_of(key: str, noun: Any) -> Any:
    """What tells a noun from the others of its kind."""
    return [noun.get(field) for field in NAMED_BY[key]] if key in NAMED_BY else noun


HEAD = ("variant", "profile", "target", "executed")


def _grouped(rows: Iterable[tuple[dict[str, str], float]]) -> Iterator[SampleGroup]:
    groups: dict[tuple[str, ...], tuple[dict[str, str], list[float]]] = {}
    for head, latency in rows:
        groups.setdefault(tuple(head.values()), (head, []))[1].append(latency)
    for head, latencies in groups.values():
        yield SampleGroup(**head, latency_us=tuple(latencies))


@functools.cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


def _read(path: Path) -> str:
    try:
        return read_regular(path, MOST_RESULTS_BYTES).decode("utf-8")
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}", "the results folder of a run", HINT) from error
    except ValueError as error:
        raise _broken(path, f"it is no text: {error}", "a file that was written to its end") from error


def _parsed(path: Path, text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise _broken(path, f"it is no whole JSON: {error}", "a file that was written to its end") from error


def _broken(path: Path, found: str, expected: str, hint: str = "") -> UsageError:
    return UsageError(f"`{path}` cannot be used: {found}", expected, hint or "ethos-bench run")


def sample_lines(samples: Sequence[SampleGroup]) -> Iterator[str]:
    """The lines of samples.jsonl, each with its line break."""
    for group in samples:
        for index, latency in enumerate(group.latency_us):
            yield json.dumps({**group.head(), "index": index, "latency_us": latency}) + "\n"
