"""Keeps what a board said of every job, and gives it back: --record DIR and --target replay:DIR."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from core.errors import RunError, UsageError
from core.files import put_in_place, read_regular, slug, storage_errors, work_folder, write_whole
from core.json_text import read_json
from core.records.unavailable import Unavailable
from core.safe_paths import path_inside
from targets.boards.job_files import RawInput, digests_of
from targets.boards.preflight import BoardFacts
from targets.boards.targets_file import Board
from targets.transcript import Transcript

SCHEMA = 1
HEADER = "recording.json"
FACTS = TypeAdapter(dict[str, list[str]])
JOB = "job.json"


@dataclass(frozen=True, kw_only=True)
class RecordedJob:
    """What is kept of one job: what the board is, and what it said or why it failed."""

    board: Board
    facts: BoardFacts
    threads: int
    notes: tuple[str, ...]
    npu: Transcript | None
    cpu: Transcript | Unavailable
    error: RunError | None = None


def job_key(executed: str, inputs: Sequence[RawInput], repeats: int, warmup: int) -> str:
    """The name of a job: the file, the inputs and the counts that were asked for."""
    digest = hashlib.sha256(f"{executed} {repeats} {warmup}".encode())
    for found in (one for feed in digests_of(inputs) for one in feed):
        digest.update(bytes.fromhex(found))
    return digest.hexdigest()[:24]


@dataclass(frozen=True)
class Recording:
    """The recording of one target in a folder of its own; `board` is one of its boards, all of which take the same file."""

    folder: Path
    target: str
    board: Board

    @classmethod
    def begin(cls, top: Path, target: str, board: Board) -> Recording:
        """A recording below `top`; StorageError when it cannot be written."""
        folder = path_inside(top, slug(target))
        if folder.is_dir() and any(folder.iterdir()) and not (folder / HEADER).is_file():
            raise UsageError(f"`{folder}` holds files that are no recording", "a new folder", f"--record {top}-2")
        content = {"schema": SCHEMA, "target": target, "board": board.model_dump()}
        with _storing(folder):
            write_whole(folder / HEADER, json.dumps(content, indent=1))
        return cls(folder, target, board)

    @classmethod
    def read(cls, path: Path) -> Recording:
        """The recording in a folder, or the only one below it; UsageError when there is none or more than one."""
        below = [header.parent for header in sorted(path.glob(f"*/{HEADER}"))]
        found = [path] if (path / HEADER).is_file() else below
        if len(found) != 1:
            what = "no recording" if not found else f"{len(found)} recordings ({', '.join(one.name for one in found)})"
            hint = f"--target replay:{found[0]}" if found else f"--target ssh:NAME --record {path}"
            raise UsageError(f"`{path}` holds {what}", "one recording", hint)
        try:
            content = read_json(found[0] / HEADER)
            if content["schema"] != SCHEMA:
                raise ValueError(f"schema {content['schema']}")
            return cls(found[0], str(content["target"]), Board.model_validate(content["board"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"`{found[0] / HEADER}` is damaged: {error}", f"a recording of schema {SCHEMA}") from error

    def keep(self, key: str, kept: RecordedJob) -> None:
        """Store what the board said of a job, whole or not at all."""
        parts = {name: part for name, part in (("npu", kept.npu), ("cpu", kept.cpu)) if isinstance(part, Transcript)}
        content = {
            "board": kept.board.model_dump(),
            "facts": kept.facts.values,
            "threads": kept.threads,
            "notes": list(kept.notes),
            "no_cpu": kept.cpu.reason if isinstance(kept.cpu, Unavailable) else "",
            "error": [kept.error.found, kept.error.expected, kept.error.hint] if kept.error else None,
            "said": {name: part.to_json() for name, part in parts.items()},
        }
        with _storing(self.folder), work_folder(self.folder, ".job-") as work:
            for name, part in parts.items():
                for file, data in part.files.items():
                    path_inside(work, f"{name}-{file}").write_bytes(data)
            (work / JOB).write_text(json.dumps(content), "utf-8")
            put_in_place(work, self.folder / key)

    def give(self, key: str, what: str) -> RecordedJob:
        """What the board said of a job; RunError when the job is not in the recording, or damaged there."""
        folder = self.folder / key
        if not (folder / JOB).is_file():
            raise RunError(
                f"the recording `{self.folder}` does not have this run of {what}",
                "the same model, images, repeats and tools as when it was recorded",
                f"--target {self.target} --record {self.folder.parent}",
            )
        try:
            content = read_json(folder / JOB)
            said = {name: _transcript(folder, name, part) for name, part in content["said"].items()}
            return RecordedJob(
                board=Board.model_validate(content["board"]),
                facts=BoardFacts(FACTS.validate_python(content["facts"])),
                threads=int(content["threads"]),
                notes=tuple(map(str, content["notes"])),
                npu=said.get("npu"),
                cpu=said.get("cpu", Unavailable(content["no_cpu"])),
                error=RunError(*content["error"]) if content["error"] else None,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
            raise RunError(f"`{folder}` is damaged: {error}", "a recording as it was written") from error


def _transcript(folder: Path, name: str, part: dict[str, Any]) -> Transcript:
    files = {file: read_regular(path_inside(folder, f"{name}-{file}")) for file in part["files"]}
    return Transcript.from_json(part, files)


def _storing(folder: Path) -> AbstractContextManager[None]:
    return storage_errors(f"write the recording to `{folder}`", "a writable folder", "--record /path/with/space")
