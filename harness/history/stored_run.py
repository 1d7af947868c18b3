"""A run as the history keeps it: the content of results.json, and the latency samples beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from harness.errors import StorageError

SCHEMA_FILE = Path(__file__).parents[1] / "results.schema.json"


@dataclass(frozen=True)
class StoredRun:
    """One run: `content` as docs/reference/results.md describes results.json, `samples` by case, `folder` where it lay."""

    content: Mapping[str, Any]
    samples: tuple[Mapping[str, Any], ...] = field(default=())
    folder: str = ""

    @property
    def id(self) -> str:
        """The run's name, unique among all."""
        return str(self.content["run"]["id"])

    @property
    def header(self) -> Mapping[str, Any]:
        """`run` of results.json."""
        header: Mapping[str, Any] = self.content["run"]
        return header

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records, in the order of the run."""
        records: list[dict[str, Any]] = self.content["records"]
        return records

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; one that was killed, or is going on, did not."""
        return bool(self.header.get("finished"))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, whatever the order of its keys."""
        return hashlib.sha256(canonical(self.content).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """A mapping for the spool."""
        return {"content": self.content, "samples": list(self.samples), "folder": self.folder}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> StoredRun:
        """The run that `to_json` wrote; KeyError when something is missing."""
        return cls(value["content"], tuple(value["samples"]), value["folder"])


def canonical(value: object) -> str:
    """One JSON text per value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def read_run(path: Path) -> StoredRun:
    """The run of a results folder, or of a results.json; StorageError when it is not there, cut short or of another form."""
    file = path / "results.json" if path.is_dir() else path
    try:
        content = json.loads(file.read_bytes(), parse_constant=_refuse)
    except FileNotFoundError as error:
        raise StorageError(
            f"there is no `{file}`", "a results folder of `pytest benchmarks/`", "ethos-bench history"
        ) from error
    except (OSError, ValueError) as error:
        raise _broken(file, str(error)) from error
    require_schema(content, file)
    return StoredRun(content, tuple(_read_samples(file.parent)), str(file.parent.absolute()))


def require_schema(content: Any, file: Path) -> None:
    """Raise StorageError unless the content has the form of results.json."""
    if isinstance(content, dict) and content.get("schema") != 1 and "schema" in content:
        raise StorageError(
            f"`{file}` has schema {content['schema']}",
            "schema 1, which this version reads",
            "pip install --upgrade ethos-bench",
        )
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))
    problem: ValidationError | None = best_match(validator.iter_errors(content))
    if problem:
        raise _broken(file, f"{problem.json_path}: {problem.message[:200]}")


def _read_samples(folder: Path) -> Iterable[dict[str, Any]]:
    """The groups of samples.jsonl, as they were taken; nothing where there is no such file."""
    file = folder / "samples.jsonl"
    if not file.is_file():
        return []
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            sample = json.loads(line)
            case = {key: str(sample[key]) for key in ("variant", "profile", "target", "executed")}
            groups.setdefault(tuple(case.values()), {**case, "latency_us": []})["latency_us"].append(
                float(sample["latency_us"])
            )
        except (ValueError, TypeError, KeyError) as error:
            raise _broken(file, f"line {number}: {error}") from error
    return groups.values()


def _broken(file: Path, what: str) -> StorageError:
    return StorageError(
        f"`{file}` is not whole: {what}", "a file that `pytest benchmarks/` wrote to its end", "pytest benchmarks/ again"
    )


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
