"""`ethos-bench compare-models`: the plain model and the optimised ones side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from conversion.variants import BY_NAME
from harness.cli import main
from tests.conftest import CONVERTED_VARIANT


@pytest.mark.convert
@pytest.mark.slow
def test_the_models_of_a_folder_stand_beside_the_plain_one(
    seeded_checkpoint: Path, conversion_cache: Path, tmp_path: Path
) -> None:
    place = tmp_path / "models" / BY_NAME[CONVERTED_VARIANT].folder / "weights" / "best.pt"
    place.parent.mkdir(parents=True)
    shutil.copyfile(seeded_checkpoint, place)
    only = [argument for name in ("base_silu", CONVERTED_VARIANT) for argument in ("--variant", name)]
    output = tmp_path / "compared.md"
    arguments = ["--optimized-dir", str(tmp_path / "models"), "--repeats", "3", "--target", "host", "--output", str(output)]
    done = CliRunner().invoke(main, ["compare-models", *arguments, *only])
    assert done.exit_code == 0, done.output
    page = output.read_text()
    base, own = (line for line in page.splitlines() if line.startswith(("| base_silu", f"| {CONVERTED_VARIANT}")))
    assert "%)" in own
    assert "%)" not in base
    assert "Vela ms: estimated" in page


def test_a_folder_without_checkpoints_is_an_error_in_words(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["compare-models", "--optimized-dir", str(tmp_path)])
    assert done.exit_code in (1, 2)
    assert done.output.startswith("error: ")
    assert "Traceback" not in done.output
