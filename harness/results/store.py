"""The results folder of a run: everything that was found, in the layout that docs/reference/results.md pins.

Kept on disk after every test, so that a cut loses nothing: as a line in `unwritten.jsonl`, and from time to time, when these
lines have become many, in results.json, each time whole. Whoever reads the folder (`read_run`) takes both.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from core.files import storage_errors
from core.json_text import keepable
from core.records.case_key import CaseKey
from core.records.failure import Failure
from core.records.figure_key import FigureKey
from core.records.measurement import Measurement
from core.records.run import HANDED_OVER
from core.records.sample_group import SampleGroup
from core.records.verdict import Verdict
from core.redaction import redacted, without_home
from harness.results.findings import Findings
from harness.results.own_files import LOST, RESULTS, OwnFiles, lock
from harness.results.results_file import ResultsFile, RunHeader
from harness.results.stored_run import UNWRITTEN, StoredRun, sample_lines
from harness.results.writable import writable, writable_failure

SMALL_BYTES = 1 << 18
"""Up to here results.json is written whole each time: it costs nothing."""
WAITING_SHARE = 0.25
"""Of results.json's size: so much may wait in the other file, so that all writing together stays linear."""


class Results:
    """The open results folder of one run."""

    def __init__(self, folder: Path, header: RunHeader) -> None:
        self.folder = folder
        self.header = header
        self._records: dict[FigureKey, Measurement] = {}
        self._verdicts: dict[tuple[str, CaseKey], Verdict] = {}
        self._samples: dict[tuple[str, str], SampleGroup] = {}
        self._failures: list[Failure] = []
        self._size = self._waiting = 0
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock(folder)
            self.files = OwnFiles(folder)
            self.files.clear()
            self._write()
            point_latest(folder)

    def close(self) -> None:
        """Let another run write into the folder."""
        self._lock.release()

    def run(self) -> StoredRun:
        """The run as it is now: what every report, export and the history start from."""
        return StoredRun(self._content(), tuple(self._samples.values()), self.folder.absolute())

    def __bool__(self) -> bool:
        return bool(self._records)

    def add(self, findings: Findings) -> tuple[str, ...]:
        """Keep what a test found; says what of it cannot be written.

        A record that is there already (the same case and metric) is not kept twice.
        """
        sound, problems = writable(findings)
        records = [record for record in sound.records if record.key not in self._records]
        verdicts = [one for one in sound.verdicts if (one.claim, one.case) not in self._verdicts]
        for record in records:
            self._records.setdefault(record.key, record)
        for verdict in verdicts:
            self._verdicts.setdefault((verdict.claim, verdict.case), verdict)
        with _writing(self.folder):
            self._append_samples(sound.samples)
            for name, source in findings.files.items():
                self.files.copy(Path(source), name)
            for name, text in findings.texts.items():
                self.files.write(name, text)
            self._keep(records=records, verdicts=verdicts)
        return problems

    def fail(self, failure: Failure) -> None:
        """Keep that a test failed, and why."""
        kept = writable_failure(failure)
        self._failures.append(kept)
        with _writing(self.folder):
            self._keep(failures=[kept])

    def log(self, line: str) -> None:
        """Append a line to run.log."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with _writing(self.folder), self.files.place("run.log").open("a", encoding="utf-8") as file:
            file.write(f"{now} {keepable(without_home(redacted(line)))}\n")

    def _append_samples(self, groups: Sequence[SampleGroup]) -> None:
        """Keep each run's samples once: several profiles may share one run of the host."""
        for group in groups:
            key = (group.executed, group.target)
            if key not in self._samples:
                self._samples[key] = group
                self.files.append("samples.jsonl", "".join(sample_lines([group])))

    def finish(self, exit_code: int) -> None:
        """Keep that the session came to its end: what has none was killed, or is going on.

        By then every sample that a board handed over is in the results, and its journal has done its duty.
        """
        finished = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self.header = replace(self.header, finished=finished, exit_code=exit_code)
        with _writing(self.folder):
            self._write()
        if exit_code in (0, 1):  # not when we were interrupted: a test that did not end has stored nothing
            for journal in (self.folder / LOST).glob(f"*{HANDED_OVER}"):
                journal.unlink(missing_ok=True)

    def _content(self) -> ResultsFile:
        return ResultsFile(
            schema=1,
            run=self.header,
            records=tuple(self._records.values()),
            verdicts=tuple(self._verdicts.values()),
            failures=tuple(self._failures),
        )

    def _keep(
        self,
        records: Sequence[Measurement] = (),
        verdicts: Sequence[Verdict] = (),
        failures: Sequence[Failure] = (),
    ) -> None:
        """Bring what is new to the disk: as a line, or with all the rest when many lines wait."""
        if self._size < SMALL_BYTES or self._waiting > self._size * WAITING_SHARE:
            self._write()
            return
        content = {
            "records": [record.to_json() for record in records],
            "verdicts": [verdict.to_json() for verdict in verdicts],
            "failures": [failure.to_json() for failure in failures],
        }
        if any(content.values()):
            line = json.dumps(content, allow_nan=False) + "\n"
            self.files.append(UNWRITTEN, line)
            self._waiting += len(line)

    def _write(self) -> None:
        text = json.dumps(self._content().to_json(), indent=1, allow_nan=False)
        self.files.write(RESULTS, text)
        self.files.remove(UNWRITTEN)
        self._size, self._waiting = len(text), 0


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
