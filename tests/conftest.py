"""What tests of several folders share."""

from __future__ import annotations

import copy
import importlib.util
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: Ctrl-C is tested all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)

CONVERTED_SIZE = 64
CONVERTED_VARIANT = "level2_leaky"


def require_convert() -> None:
    """Skip where the extra `convert` is not installed; ultralytics itself is imported by conversion.checkpoint alone."""
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("needs the extra `convert`")


@pytest.fixture(scope="session")
def _conversions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("conversions")


@pytest.fixture(scope="module")
def conversion_cache(_conversions: Path) -> Iterator[Path]:
    """One cache for the whole session: an export takes half a minute whatever the image size, and is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ETHOS_BENCH_CACHE", str(_conversions))
        yield _conversions


@pytest.fixture(scope="session")
def seeded_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint file with the seeded weights of one variant, trained (it says) at 64 px."""
    torch = pytest.importorskip("torch")
    require_convert()
    from conversion.checkpoint import build_seeded
    from conversion.variants import BY_NAME

    module = copy.deepcopy(build_seeded(BY_NAME[CONVERTED_VARIANT]).module)
    path = tmp_path_factory.mktemp("seeded") / "mine.pt"
    torch.save({"model": module, "train_args": {"imgsz": CONVERTED_SIZE}}, path)
    return path
