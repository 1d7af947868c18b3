"""A finished run, read back: what every report, export and comparison starts from, and what the history keeps."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from core.errors import UsageError
from core.files import sha256
from core.records.placement import Where

SCHEMA_FILE = Path(__file__).parent / "results.schema.json"
RESULTS = "results.json"
HINT = "ethos-bench history"
Record = Mapping[str, Any]


@dataclass(frozen=True)
class StoredRun:
    """One run: `content` as docs/reference/results.md describes results.json, `samples` by case, `folder` where it lay.

    `samples` are groups as `Findings.samples` has them, `latency_us` in microseconds. A run of the history may have lost its
    folder: what only the folder holds is None then.
    """

    content: Mapping[str, Any]
    samples: tuple[Mapping[str, Any], ...]
    folder: Path

    @property
    def id(self) -> str:
        """The run's name, unique among all."""
        return str(self.header["id"])

    @property
    def header(self) -> Mapping[str, Any]:
        """`run` of results.json."""
        header: Mapping[str, Any] = self.content["run"]
        return header

    @property
    def records(self) -> Sequence[Record]:
        """The records, in the order of the run."""
        records: Sequence[Record] = self.content["records"]
        return records

    @property
    def verdicts(self) -> Sequence[Record]:
        """The verdicts on claims, in the order of the run."""
        verdicts: Sequence[Record] = self.content["verdicts"]
        return verdicts

    @property
    def failures(self) -> Sequence[Mapping[str, str]]:
        """The tests that failed, with their messages."""
        failures: Sequence[Mapping[str, str]] = self.content["failures"]
        return failures

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; one that was killed, or is going on, did not."""
        return bool(self.header.get("finished"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, whatever the order of its keys."""
        return sha256(canonical(self.content))

    @property
    def thresholds(self) -> list[Mapping[str, Any]]:
        """What came of the thresholds of `--acceptance`, none for a run without: text, variant, profile, met, found."""
        content = self._json("acceptance.json") or {"thresholds": []}
        rows = content.get("thresholds") if isinstance(content, dict) else None
        needed = {"text", "variant", "profile", "met", "found"}
        if not isinstance(rows, list) or not all(isinstance(row, dict) and needed <= row.keys() for row in rows):
            raise _broken(self.folder / "acceptance.json", "it holds no thresholds", "the file that --acceptance writes")
        return rows

    def placement(self, variant: str, profile: str) -> Mapping[str, Any] | None:
        """The placement file of a compiled model, None when the run kept none."""
        content = self._json(f"placement/{variant}-{profile}.json")
        if content is not None and not _is_placement(content):
            raise _broken(self.folder / "placement" / f"{variant}-{profile}.json", "it is no placement", "a list of operators")
        return content

    def detections(self, variant: str, graph: str) -> Any | None:
        """The COCO result list of a graph, None when the run kept none."""
        return self._json(f"detections/{variant}-{graph}.json")

    def _json(self, name: str) -> Any | None:
        path = self.folder / name
        inside = path.resolve().is_relative_to(self.folder.resolve())
        return _read_json(path) if inside and path.is_file() else None

    def to_json(self) -> dict[str, Any]:
        """A mapping for the spool."""
        return {"content": self.content, "samples": list(self.samples), "folder": str(self.folder)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StoredRun:
        """The run that `to_json` wrote; KeyError when something is missing."""
        return cls(value["content"], tuple(value["samples"]), Path(value["folder"]))


def canonical(value: object) -> str:
    """One JSON text per value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def find_run(name: str | Path, root: Path = Path("results")) -> Path:
    """The folder of a run given by its path, by its id, or as `latest`; UsageError when there is none."""
    for folder in (Path(name), root / name):
        if (folder / RESULTS).is_file():
            return folder
    known = sorted(path.parent.name for path in root.glob(f"*/{RESULTS}"))
    expected = f"a results folder, or one of {', '.join(known[-5:])}" if known else "the results folder of a run"
    raise UsageError(f"no run `{name}`: there is no `{Path(name) / RESULTS}`", expected, HINT)


def read_run(path: Path, *, checked: bool = True) -> StoredRun:
    """The run of a results folder, or of a results.json; UsageError names what is missing, cut short or of another form.

    Checking a large run against the schema takes a second: a run that this process has just written needs none.
    """
    file = path / RESULTS if path.is_dir() else path
    content = _read_json(file)
    if not isinstance(content, dict) or content.get("schema") != 1:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        newer = "pip install --upgrade ethos-bench" if isinstance(found, int) and found > 1 else ""
        raise _broken(file, f"its schema is {found!r}", "schema 1", newer)
    problem = best_match(_validator().iter_errors(content)) if checked else None
    if problem is not None:
        raise _broken(file, f"{problem.json_path}: {problem.message[:200]}", "harness/results/results.schema.json")
    return StoredRun(content, tuple(_samples(file.parent / "samples.jsonl")), file.parent.absolute())


def _samples(path: Path) -> Iterator[Mapping[str, Any]]:
    """The groups of samples.jsonl; a last line that was cut off is left out with the sample it would have had."""
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            case = {key: str(row[key]) for key in ("variant", "profile", "target", "executed")}
            latency = float(row["latency_us"])
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise _broken(path, f"line {number} is no sample", "one JSON object a line") from error
        groups.setdefault(tuple(case.values()), {**case, "latency_us": []})["latency_us"].append(latency)
    yield from groups.values()


@functools.cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


def _is_placement(content: Any) -> bool:
    rows = content.get("operators") if isinstance(content, dict) else None
    needed = {"operator", "name", "where", "macs", "npu_cycles"}
    known = (isinstance(row, dict) and needed <= row.keys() and row["where"] in get_args(Where) for row in rows or ())
    return isinstance(rows, list) and all(known)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}", "the results folder of a run", HINT) from error
    except ValueError as error:
        raise _broken(path, f"it is no whole JSON: {error}", "a file that was written to its end") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _broken(path: Path, found: str, expected: str, hint: str = "") -> UsageError:
    return UsageError(f"`{path}` cannot be used: {found}", expected, hint or "pytest benchmarks/ writes it anew")
