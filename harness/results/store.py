"""The results folder of a run: everything that was found, in the layout that docs/reference/results.md pins.

Written again after every test, each file whole or not at all, so that a cut loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from core.files import storage_errors, write_whole
from core.records.measurement import Measurement
from core.records.run import HANDED_OVER
from core.records.verdict import Verdict

SCHEMA = 1


@dataclass(frozen=True)
class RunHeader:
    """What a run was: `started` in ISO 8601 UTC, `commit` of the harness with `dirty`, `versions` package -> version.

    `finished` (ISO 8601 UTC, "" until then) and `exit_code` say that the session came to its end, and how.
    """

    id: str
    started: str
    commit: str
    dirty: bool
    command: str
    host: dict[str, str]
    versions: dict[str, str]
    finished: str = ""
    exit_code: int = 0

    def to_json(self) -> dict[str, Any]:
        """`run` of results.json; a run that is going on has no end yet."""
        content = asdict(self)
        return content if self.finished else {key: content[key] for key in content if key not in ("finished", "exit_code")}


@dataclass
class Findings:
    """What one test found; plain data, so that it can travel from an xdist worker.

    `samples` are groups of latency samples in the order they were taken, `latency_us`, with the case they belong to and the
    file that was `executed`; `files` maps a path inside the results folder to the file whose content goes there, `texts` to
    its content.
    """

    records: list[Measurement] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {
            "records": [record.to_json() for record in self.records],
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "samples": self.samples,
            "files": self.files,
            "texts": self.texts,
        }

    def __bool__(self) -> bool:
        return any((self.records, self.verdicts, self.samples, self.files, self.texts))


class Results:
    """The open results folder of one run."""

    def __init__(self, folder: Path, header: RunHeader) -> None:
        self.folder = folder
        self.header = header
        self.records: list[dict[str, Any]] = []
        self.verdicts: list[dict[str, Any]] = []
        self.samples: list[dict[str, Any]] = []
        self.failures: list[dict[str, str]] = []
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            clear_results(folder)
            self._write()
            point_latest(folder)

    def add(self, findings: Mapping[str, Any]) -> None:
        """Keep what a test found; a record that is there already (the same case and metric) is not kept twice."""
        known = {_key(record) for record in self.records}
        self.records += [record for record in findings["records"] if _key(record) not in known]
        claims = {(verdict["claim"], verdict["profile"], verdict["target"]) for verdict in self.verdicts}
        self.verdicts += [v for v in findings["verdicts"] if (v["claim"], v["profile"], v["target"]) not in claims]
        with _writing(self.folder):
            self._append_samples(findings["samples"])
            for name, source in findings["files"].items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, path)
            for name, text in findings["texts"].items():
                write_whole(self.folder / name, text)
            self._write()

    def fail(self, test: str, message: str) -> None:
        """Keep that a test failed, and why."""
        self.failures.append({"test": test, "message": message})
        with _writing(self.folder):
            self._write()

    def log(self, line: str) -> None:
        """Append a line to run.log."""
        with _writing(self.folder), (self.folder / "run.log").open("a") as file:
            file.write(f"{datetime.now(timezone.utc).isoformat(timespec='milliseconds')} {line}\n")

    def _append_samples(self, groups: list[dict[str, Any]]) -> None:
        """Keep each run's samples once: several profiles may share one run of the host."""
        known = {(group["executed"], group["target"]) for group in self.samples}
        for group in groups:
            if (group["executed"], group["target"]) in known:
                continue
            self.samples.append(group)
            case = {key: group[key] for key in ("variant", "profile", "target", "executed")}
            with (self.folder / "samples.jsonl").open("a") as file:
                for index, latency in enumerate(group["latency_us"]):
                    file.write(json.dumps({**case, "index": index, "latency_us": latency}) + "\n")

    def finish(self, exit_code: int) -> None:
        """Keep that the session came to its end: what has none was killed, or is going on.

        By then every sample that a board handed over is in the results, and its journal has done its duty.
        """
        finished = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.header = replace(self.header, finished=finished, exit_code=exit_code)
        with _writing(self.folder):
            self._write()
        if exit_code in (0, 1):  # not when we were interrupted: a test that did not end has stored nothing
            for journal in (self.folder / "lost").glob(f"*{HANDED_OVER}"):
                journal.unlink(missing_ok=True)

    @property
    def content(self) -> dict[str, Any]:
        """What results.json holds now."""
        return {
            "schema": SCHEMA,
            "run": self.header.to_json(),
            "records": self.records,
            "verdicts": self.verdicts,
            "failures": self.failures,
        }

    def _write(self) -> None:
        write_whole(self.folder / "results.json", json.dumps(self.content, indent=1, allow_nan=False))


def clear_results(folder: Path) -> None:
    """Remove what an earlier run left in the folder, so that two runs are never mixed; anything else in it stays."""
    if not (folder / "results.json").is_file():
        return
    for name in ("placement", "detections", "lost"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("results.json", "samples.jsonl", "benchmark.json", "run.log", "report.html", "acceptance.json"):
        (folder / name).unlink(missing_ok=True)
    for page in folder.glob("*.md"):
        page.unlink()


def point_latest(folder: Path) -> None:
    """Make `latest` beside a run's folder point to it."""
    link = folder.parent / "latest"
    work = folder.parent / f".latest.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        work.unlink()
    work.symlink_to(folder.name)
    if link.is_symlink() or not link.exists():
        work.replace(link)
    else:
        work.unlink()  # a folder of the user's that happens to have this name


def _key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(record.get(part, "") for part in ("variant", "profile", "target", "metric", "stat", "graph"))


def _writing(folder: Path) -> AbstractContextManager[None]:
    return storage_errors(f"write results to `{folder}`", "a writable folder", "--results /path/with/space")
