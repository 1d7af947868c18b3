"""One file run on a board: what is missing there is uploaded, the runner works, outputs come back; a lost link is mended."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from pathlib import Path

from core.errors import EthosBenchError, RunError, TargetUnavailable
from core.files import sha256
from core.records.artefact import ModelFile
from targets.boards.job_files import RawInput, digests_of
from targets.boards.journal import Journal
from targets.boards.link import Heartbeat, Link, LinkLost, link_errors, stream_lines
from targets.boards.preflight import environment_of
from targets.boards.targets_file import Board
from targets.event_checks import is_time_us
from targets.runner.protocol import (
    Alive,
    Delegate,
    Event,
    Failed,
    Files,
    Loaded,
    Output,
    RunnerJob,
    Sample,
    Stay,
    Waiting,
    read,
)
from targets.runner_archive import runner_archive
from targets.transcript import Transcript

ATTEMPTS = 3
LOAD_S = 120.0
END_S = 3.0
CLOCK_SLACK_S = 0.5


class SamplesLost(RunError):
    """A run that ended early, after samples had arrived."""


@dataclass(kw_only=True)
class Execution:
    """What to run on a board: a model with inputs (each the raw bytes of its tensors), with or without its delegate.

    `journal` is a folder in which samples are kept as they come, so that they outlive us; `revive` switches the board off
    and on.
    """

    link: Link
    work: str
    model: ModelFile
    inputs: Sequence[RawInput]
    repeats: int
    warmup: int
    threads: int
    runtime: str
    on_npu: bool
    journal: Path | None = None
    revive: Callable[[], object] | None = None
    lost: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @cached_property
    def digests(self) -> list[tuple[str, ...]]:
        """The SHA-256 of each tensor of each input."""
        return digests_of(self.inputs)

    @property
    def board(self) -> Board:
        """How the board is described."""
        return self.link.board

    def run(self) -> Transcript:
        """The whole transcript; RunError with the samples that had arrived when the board stays away."""
        for attempt in range(1, ATTEMPTS + 1):
            transcript = Transcript(lost=self.lost, notes=self.notes, asked={Output: len(self.inputs), Sample: self.repeats})
            try:
                self._attempt(transcript)
                return transcript
            except LinkLost as error:
                self._keep(transcript, error)
                if attempt == ATTEMPTS:
                    raise self._gone(f"the link broke {ATTEMPTS} times, at last: {error}") from error
                self._reconnect(error)
            except EthosBenchError as error:
                if transcript.samples or self.lost:
                    self.lost += transcript.samples
                    raise self._with_samples(SamplesLost(error.found, error.expected, error.hint)) from error
                raise
        raise AssertionError("unreachable")

    def _reconnect(self, error: LinkLost) -> None:
        """Wait for the board; when it stays away, switch it off and on if that can be done."""
        try:
            try:
                self.link.reopen(time.monotonic() + self.board.reconnect_s)
            except TargetUnavailable:
                if self.revive is None:
                    raise
                self.revive()
                self.notes.append("the board did not come back and was switched off and on")
                self.link.reopen(time.monotonic() + self.board.reconnect_s)
        except TargetUnavailable as away:
            raise self._gone(f"{error}; then {away.found}") from away

    def _keep(self, transcript: Transcript, error: LinkLost) -> None:
        self.lost += transcript.samples
        self.notes.append(f"link lost after {len(transcript.samples)} samples ({error}); all were taken again")

    def _gone(self, reason: str) -> SamplesLost:
        return self._with_samples(
            SamplesLost(
                f"{self.link.name} was lost while it ran `{self.model.path}`: {reason}",
                "a board that stays reachable",
                f"ethos-bench targets check {self.link.name.partition(':')[2]}",
            )
        )

    def _with_samples(self, error: SamplesLost) -> SamplesLost:
        error.samples = tuple(self.lost)
        return error

    def _attempt(self, transcript: Transcript) -> None:
        blobs = self._blobs()
        self._upload(blobs)
        name = secrets.token_hex(8)
        script = shlex.quote(f"{self.work}/blobs/{sha256(runner_archive())}")
        python = shlex.quote(self.board.python)
        command = f"cd {shlex.quote(self.work)} && {environment_of(self.board)}exec {python} -B {script} --board"
        watch = _Watch(self, transcript, Journal(self.journal, self.link.name, name))
        started = time.monotonic()
        with self.link.channel(command) as channel, Heartbeat(channel, min(2.0, self.board.silence_s / 4)):
            with watch.journal, link_errors():
                channel.sendall(self._job(name).to_json().encode() + b"\n")
                stream_lines(channel, self.board.silence_s, watch.listen)
            transcript.seconds = time.monotonic() - started
            self._require_clock(transcript)
            self._fetch(transcript)
            channel.shutdown_write()
            channel.status_event.wait(END_S)  # till the runner has removed its files

    def upload_missing(self) -> None:
        """Upload what does not lie on the board yet."""
        self._upload(self._blobs())

    def _blobs(self) -> dict[str, tuple[Path | bytes, str]]:
        """Everything that has to lie on the board by hash: the runner, the model, then the inputs."""
        blobs: dict[str, tuple[Path | bytes, str]] = {sha256(runner_archive()): (runner_archive(), "runner")}
        blobs[self.model.sha256] = (self.model.path, self.model.path.name)
        for index, (feed, digests) in enumerate(zip(self.inputs, self.digests, strict=True)):
            for data, digest in zip(feed, digests, strict=True):
                blobs.setdefault(digest, (data, f"input {index}"))
        return blobs

    def _upload(self, blobs: dict[str, tuple[Path | bytes, str]]) -> None:
        folder = shlex.quote(f"{self.work}/blobs")
        names = "\n".join(blobs).encode() + b"\n"
        # An upload whose link broke hangs there, with its shell at the head of a process group.
        ended = f'for u in .upload.{self.link.token}.*; do [ -f "$u" ] && {{ kill -9 -- -"${{u##*.}}"; rm -f "$u"; }}; done'
        missing = 'while read -r b; do if [ -f "$b" ]; then touch "$b"; else echo "$b"; fi; done'
        test = f"cd {folder} && {{ {ended} 2>/dev/null; {missing}; }}"
        said = self.link.run(test, stdin=[names])
        if said.code:
            raise RunError(f"{self.link.name}: cannot look into `{self.work}`: {said.stderr.strip()[:200]}")
        for digest in said.stdout.decode().split():
            if digest in blobs:
                self.link.upload(*blobs[digest], digest)

    def _job(self, name: str) -> RunnerJob:
        """The job as the runner takes it, with its outputs in the folder that the runner makes."""
        blobs, board = f"{self.work}/blobs", self.board
        return RunnerJob(
            model=f"{blobs}/{self.model.sha256}",
            inputs=[[f"{blobs}/{digest}" for digest in feed] for feed in self.digests],
            outputs="",
            repeats=self.repeats,
            warmup=self.warmup,
            threads=self.threads,
            runtime=self.runtime,
            delegate=Delegate(board.delegate, board.delegate_options, board.device) if self.on_npu else None,
            stay=Stay(work=self.work, job=name, silence_s=board.silence_s, wait_s=board.wait_s, keep_bytes=board.keep_bytes),
        )

    def _require_clock(self, transcript: Transcript) -> None:
        """More time in the samples than passed here means that the board's clock is wrong."""
        told = sum(transcript.samples) / 1e6
        if told > transcript.seconds * 1.05 + CLOCK_SLACK_S:
            raise RunError(
                f"{self.link.name}: the samples add up to {told:.1f} s in a run of {transcript.seconds:.1f} s",
                "a board whose clock runs evenly",
            )

    def _fetch(self, transcript: Transcript) -> None:
        """Bring the outputs here, over a second channel while the runner keeps them."""
        offered, wanted = transcript.one(Files), transcript.output_sizes()
        if not wanted:
            return
        wrong = next((name for name, size in wanted.items() if offered.sizes.get(name) != size), None)
        if wrong is not None:
            found = f"`{wrong}` of {offered.sizes.get(wrong, 'no')} bytes"
            raise RunError(f"{self.link.name} offers {found}", f"{wanted[wrong]} bytes, as its shape and type say")
        quoted = " ".join(shlex.quote(f"{offered.folder}/{name}") for name in wanted)
        said = self.link.run(f"cat {quoted}", most_bytes=sum(wanted.values()))
        start = 0
        for name, size in wanted.items():
            content = said.stdout[start : start + size]
            start += len(content)
            if sha256(content) != offered.sha256[name]:
                raise LinkLost(f"`{name}` was corrupted or cut on its way back")
            transcript.files[name] = content


@dataclass
class _Watch:
    """Takes in what the runner says, and ends a run that makes no progress."""

    execution: Execution
    transcript: Transcript
    journal: Journal
    _: KW_ONLY
    progress: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    loaded: bool = False

    def listen(self, line: str) -> bool:
        """True when the runner has said all."""
        if isinstance(sample := read(line), Sample) and is_time_us(
            sample.us
        ):  # on disk first: we may be ended between two lines
            self.journal.write(line)
        event = self.transcript.take(line)
        now = time.monotonic()
        if isinstance(event, Failed):
            raise self._error(event.message)
        if isinstance(event, Loaded):
            self.loaded = True
        if event is not None and not isinstance(event, Alive) and not self._waits_too_long(event, now):
            self.progress = now
        limit = self.execution.board.inference_s if self.loaded else max(LOAD_S, self.execution.board.inference_s)
        if now - self.progress > limit:
            raise RunError(
                f"`{self.execution.model.path}` made no progress on {self.execution.link.name} for {limit:.0f} s",
                "an inference within the limit",
                f"inference_s = {limit * 4:.0f} in targets.toml",
            )
        return isinstance(event, Files)

    def _waits_too_long(self, event: Event, now: float) -> bool:
        """Whether the board says that others use it for longer than it was told to wait."""
        return isinstance(event, Waiting) and now - self.started > self.execution.board.wait_s + LOAD_S

    def _error(self, message: str) -> RunError | LinkLost:
        execution = self.execution
        if "blobs/" in message and "No such file" in message:
            return LinkLost("another harness removed files on the board")  # its cache is limited: upload them again
        hint = ""
        if "ethos-u" in message and "unresolved" in message.lower():
            message = f"the delegate `{execution.board.delegate}` left the ethos-u operators unclaimed ({message[:120]})"
            hint = f"ethos-bench targets check {execution.link.name.partition(':')[2]}"
        return RunError(f"`{execution.model.path}` does not run on {execution.link.name}: {message}", hint=hint)
