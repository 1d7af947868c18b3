"""The board and the model that faults are made on, and what has to hold after every fault."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.errors import EthosBenchError
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.run import Run
from targets.kinds import TargetOptions, open_target
from targets.runner.protocol import Delegated, Event, Sample
from targets.transcript import Transcript
from tests.boards.boards import Lab, TestBoard
from tests.conversion.tflite_builder import TinyModel

SIDE = 96
SILENCE_S = 3
SAMPLES = 25
RECONNECT_S = 25
Image = NDArray[np.int8]


@dataclass
class Scene:
    """A board at work: what runs there, and what arrived of it so far."""

    lab: Lab
    board: TestBoard
    artefact: Artefact
    expected: list[NDArray[np.generic]]
    """The outputs of `image`."""
    image: Image
    work: Path
    arrived: int = 0
    """Samples that reached us, those of the plain file on the CPU not counted."""
    kinds: list[str] = field(default_factory=list)
    spec: str = ""
    """How the target is named; default the board."""

    def write(self, **changes: Any) -> None:
        """Write the targets file."""
        self.lab.write(**settings(**changes))

    def run(self, repeats: int = SAMPLES, *, image: Image | None = None, journal: Path | None = None) -> Run:
        """A run on the board; every sample that arrives is counted by a tap in front of the harness."""
        options = TargetOptions(threads=1, targets_file=self.lab.targets, journal=journal)
        with self._tapped(), open_target(self.spec or f"ssh:{self.board.name}", options) as target:
            return target.run(Job(self.artefact, (self.image if image is None else image,), repeats, warmup=0))

    @contextlib.contextmanager
    def _tapped(self) -> Iterator[None]:
        take = Transcript.take
        self.arrived, self.kinds = 0, []

        def tapped(transcript: Transcript, line: str) -> Event | None:
            event = take(transcript, line)
            self.kinds.append(event.kind if event else "")
            self.arrived += isinstance(event, Sample) and bool(transcript.all(Delegated))
            return event

        setattr(Transcript, "take", tapped)  # noqa: B010  # mypy refuses to assign to a method
        try:
            yield
        finally:
            setattr(Transcript, "take", take)  # noqa: B010  # as above

    def when(self, seen: Callable[[], bool], then: Callable[[], None]) -> threading.Thread:
        """A thread that does something once something is seen of the run that starts after this."""
        self.arrived, self.kinds = 0, []

        def wait() -> None:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not seen():
                time.sleep(0.01)
            then()

        thread = threading.Thread(target=wait)
        thread.start()
        return thread

    def cut(self, seconds: float) -> None:
        """Pull the cable, and put it back later."""
        self.board.cut()
        time.sleep(seconds)
        self.board.mend()

    def require_right(self, run: Run, repeats: int = SAMPLES, expected: list[NDArray[np.generic]] | None = None) -> None:
        """Fail unless the run has the right bytes, every sample, and kept whatever arrived before."""
        for mine, other in zip(run.outputs[0], expected or self.expected, strict=True):
            np.testing.assert_array_equal(mine, other)
        assert not isinstance(run.latency_us, str)
        samples: Any = run.latency_us
        assert len(samples) == repeats
        assert all(0 < sample < 60e6 for sample in samples)
        assert len(samples) + len(run.lost_us) == self.arrived, (
            f"{self.arrived} samples arrived, {len(samples)} and {len(run.lost_us)} are here"
        )

    def require_refused(self, *words: str, unproven: bool = False, **how: Any) -> None:
        """Fail unless a run ends as an error with these words that keeps the samples that had arrived.

        Times of a run that ended and proved nothing (`unproven`) are no samples of an NPU, and need not be kept.
        """
        with pytest.raises(EthosBenchError) as caught:
            self.run(**how)
        assert any(word in str(caught.value) for word in words), str(caught.value)
        kept = len(getattr(caught.value, "samples", ()))
        assert unproven or kept == self.arrived, f"{self.arrived} samples arrived, {kept} were kept"

    def restore(self) -> None:
        """Make the board whole again for the next fault, however this one ended."""
        self.board.fast()
        self.board.mend()
        for name in ("home/board/fill", "home/board/clock", "usr/local/bin/cat"):
            (self.board.root / name).unlink(missing_ok=True)
        if not list(self.board._pids()):
            self.board.on()
        self.write()

    def sweep(self) -> None:
        """Run the next job: a board whose power went cannot clear up, the next job does."""
        self.run(0)

    def require_clean(self) -> None:
        """Fail when a process or a file of the job is still on the board once the runner must have noticed."""
        deadline = time.monotonic() + SILENCE_S + 5
        while (left := self.board.processes() + self.board.files()) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left, f"left on the board: {left}"


def settings(**changes: Any) -> dict[str, Any]:
    """The targets file's settings of fault tests: short limits."""
    return {"silence_s": SILENCE_S, "reconnect_s": RECONNECT_S, "connect_s": 15, **changes}


def patient_model() -> bytes:
    """Tens of milliseconds for each inference, with an input and an output of 0.6 MB."""
    model = TinyModel()
    image = model.tensor((1, SIDE, SIDE, 64), "image")
    return model.finish([image], [model.conv(image, 64, 3)])


def fault_scene(lab: Lab, work: Path) -> Scene:
    """A board of its own, and the outputs that a run without faults gives."""
    path = work / "patient.tflite"
    path.write_bytes(patient_model())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(work / "cache"))
        artefact = compile_source(tflite_source(path), load_profile("ethos-u65-256"), VelaOptions(), lambda _: None)
    board = lab.boards.get("fault-test") or lab.add("fault-test", "native")
    lab.write(**settings())
    image = np.random.default_rng(5).integers(-128, 128, (1, SIDE, SIDE, 64), dtype=np.int8)
    scene = Scene(lab, board, artefact, [], image, work)
    scene.expected = list(scene.run(1).outputs[0])
    return scene
