"""What the suite reads before it runs anything, called as it calls them: a result, or an error of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.acceptance.thresholds import read_acceptance
from harness.claims.claim_files import read_claims
from harness.tasks.detect.dataset import load_calibration, load_dataset
from harness.tasks.images import read_image
from targets.boards.recording import Recording
from targets.runner.protocol import Done, Loaded
from tests.harness.cli.fuzz.models import JOB


def acceptance(folder: Path) -> None:
    """`--acceptance FILE`."""
    read_acceptance(folder / "acceptance.toml", ["level2_relu"], ["ethos-u65-256"], ["sim"])


def claims(folder: Path) -> None:
    """The documents that figures are held against."""
    read_claims(folder / "claims")


def recording(folder: Path) -> None:
    """`--target replay:DIR`, and the run that comes of what the board said."""
    kept = Recording.read(folder / "recording").give(JOB, "a model")
    if kept.npu:
        kept.npu.one(Loaded), kept.npu.one(Done)


def data_set(folder: Path) -> None:
    """`--data FILE`, with every image and label."""
    for image in load_dataset(folder / "data/data.yaml", "test").images:
        read_image(image.path)


def calibration(folder: Path) -> None:
    """The images that quantise a model."""
    load_calibration(folder / "data/data.yaml", 1)


READERS: Mapping[str, Callable[[Path], None]] = {
    "acceptance": acceptance,
    "claims": claims,
    "recording": recording,
    "data set": data_set,
    "calibration": calibration,
}
