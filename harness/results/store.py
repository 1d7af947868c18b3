"""The results folder of a run: everything that was found, in the layout that docs/reference/results.md pins.

Written again after every test, each file whole or not at all, so that a cut loses nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from core.files import storage_errors, write_whole
from core.records.case_key import CaseKey
from core.records.failure import Failure
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.run import HANDED_OVER
from core.records.sample_group import SampleGroup
from core.records.verdict import Verdict
from harness.results.results_file import ResultsFile, RunHeader
from harness.results.stored_run import StoredRun, sample_lines


@dataclass
class Findings:
    """What one test found; plain data, so that it can travel from an xdist worker.

    `files` maps a path inside the results folder to the file whose content goes there, `texts` to its content.
    """

    records: list[Measurement] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    samples: list[SampleGroup] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        return {
            "records": [record.to_json() for record in self.records],
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "samples": [group.to_json() for group in self.samples],
            "files": self.files,
            "texts": self.texts,
        }

    @classmethod
    def from_json(cls, content: object) -> Findings:
        """The findings that `to_json` wrote."""
        return FINDINGS.validate_json(json.dumps(content), strict=True)

    def __bool__(self) -> bool:
        return any((self.records, self.verdicts, self.samples, self.files, self.texts))


FINDINGS = TypeAdapter(Findings)


class Results:
    """The open results folder of one run."""

    def __init__(self, folder: Path, header: RunHeader) -> None:
        self.folder = folder
        self.header = header
        self._records: dict[FigureKey, Measurement] = {}
        self._verdicts: dict[tuple[str, CaseKey], Verdict] = {}
        self._samples: dict[tuple[str, str], SampleGroup] = {}
        self._failures: list[Failure] = []
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            clear_results(folder)
            self._write()
            point_latest(folder)

    def run(self) -> StoredRun:
        """The run as it is now: what every report, export and the history start from."""
        return StoredRun(self._content(), tuple(self._samples.values()), self.folder.absolute())

    def __bool__(self) -> bool:
        return bool(self._records)

    def add(self, findings: Findings) -> None:
        """Keep what a test found; a record that is there already (the same case and metric) is not kept twice."""
        for record in findings.records:
            self._records.setdefault(record.key, record)
        for verdict in findings.verdicts:
            self._verdicts.setdefault((verdict.claim, verdict.case), verdict)
        with _writing(self.folder):
            self._append_samples(findings.samples)
            for name, source in findings.files.items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, path)
            for name, text in findings.texts.items():
                write_whole(self.folder / name, text)
            self._write()

    def fail(self, failure: Failure) -> None:
        """Keep that a test failed, and why."""
        self._failures.append(failure)
        with _writing(self.folder):
            self._write()

    def log(self, line: str) -> None:
        """Append a line to run.log."""
        with _writing(self.folder), (self.folder / "run.log").open("a") as file:
            file.write(f"{datetime.now(timezone.utc).isoformat(timespec='milliseconds')} {line}\n")

    def _append_samples(self, groups: Sequence[SampleGroup]) -> None:
        """Keep each run's samples once: several profiles may share one run of the host."""
        for group in groups:
            key = (group.executed, group.target)
            if key not in self._samples:
                self._samples[key] = group
                with (self.folder / "samples.jsonl").open("a") as file:
                    file.writelines(sample_lines([group]))

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

    def _content(self) -> ResultsFile:
        return ResultsFile(
            schema=1,
            run=self.header,
            records=tuple(self._records.values()),
            verdicts=tuple(self._verdicts.values()),
            failures=tuple(self._failures),
        )

    def _write(self) -> None:
        write_whole(self.folder / "results.json", json.dumps(self._content().to_json(), indent=1, allow_nan=False))


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


def _writing(folder: Path) -> AbstractContextManager[None]:
    return storage_errors(f"write results to `{folder}`", "a writable folder", "--results /path/with/space")
