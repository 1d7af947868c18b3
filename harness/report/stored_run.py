"""A results folder read back: what every report, export and comparison of finished runs starts from."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from jsonschema import Draft202012Validator

from harness.errors import UsageError
from harness.records.placement import Where
from harness.report.tables import Record

SCHEMA_FILE = Path(__file__).parents[1] / "results.schema.json"
RESULTS = "results.json"
HINT = "ethos-bench report results/latest --output report.html"


@dataclass(frozen=True)
class StoredRun:
    """One run as its folder keeps it; `samples` are groups as `Findings.samples` has them, `latency_us` in microseconds."""

    folder: Path
    header: Mapping[str, Any]
    records: Sequence[Record]
    verdicts: Sequence[Record]
    failures: Sequence[Mapping[str, str]]
    samples: Sequence[Mapping[str, Any]]

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.header["id"])

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


def find_run(name: str | Path, root: Path = Path("results")) -> Path:
    """The folder of a run given by its path, by its id, or as `latest`; UsageError when there is none."""
    for folder in (Path(name), root / name):
        if (folder / RESULTS).is_file():
            return folder
    known = sorted(path.parent.name for path in root.glob(f"*/{RESULTS}"))
    expected = f"a results folder, or one of {', '.join(known[-5:])}" if known else "the results folder of a run"
    raise UsageError(f"no run `{name}`: there is no `{Path(name) / RESULTS}`", expected, HINT)


def read_run(folder: Path, *, checked: bool = True) -> StoredRun:
    """The run of a results folder; UsageError names what is broken.

    Checking a large run against the schema takes a second: a run that this process has just written needs none.
    """
    path = folder / RESULTS
    content = _read_json(path)
    if not isinstance(content, dict) or content.get("schema") != 1:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise _broken(path, f"its schema is {found!r}", "schema 1")
    problem = next(iter(_validator().iter_errors(content)), None) if checked else None
    if problem is not None:
        raise _broken(path, f"{problem.json_path}: {problem.message[:200]}", "harness/results.schema.json")
    return StoredRun(
        folder, content["run"], content["records"], content["verdicts"], content["failures"], tuple(_samples(folder))
    )


def _samples(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The groups of samples.jsonl; a last line that was cut off is left out with the samples it would have had."""
    path = folder / "samples.jsonl"
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
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror}", "the results folder of a run", HINT) from error
    except ValueError as error:
        raise _broken(path, f"it is no JSON: {error}", "a file that was written to its end") from error


def _broken(path: Path, found: str, expected: str) -> UsageError:
    return UsageError(f"`{path}` cannot be used: {found}", expected, "pytest benchmarks/ writes it anew")
