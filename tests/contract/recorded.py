"""The jobs of the contract, recorded on a board so that a replay can be held to the same promises."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from core.records.job import Job
from targets.kinds import TargetOptions, open_target


def record_contract(folder: Path, targets: Path) -> None:
    """Run every job of test_target.py that works, on the native test board, into a recording."""
    from tests.contract.test_target import _artefact, _image, two_outputs

    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", f"{name}/cache")
        artefact = _artefact(Path(name) / "two_outputs.tflite", two_outputs())
        options = TargetOptions(threads=1, targets_file=targets, record=folder)
        with open_target("ssh:native-test", options) as target:
            for repeats in (0, 1, 2, 7):
                target.run(Job(artefact, (_image(1),), repeats))
            target.run(Job(artefact, (_image(1), _image(2), _image(3)), 0))
