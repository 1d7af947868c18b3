"""The simulator alone: installed by pip into a clean environment, with two libraries, it gives the bytes it gives here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

GOLDEN = Path(__file__).parent / "golden"
LOCK = CHECKOUT / "requirements.lock"
RUN_GOLDEN = """
import sys
import numpy as np
import ethosu_simulator
import ethosu_simulator.timing

for path in sys.argv[1:]:
    with np.load(path) as kept:
        open("case_vela.tflite", "wb").write(kept["compiled"].tobytes())
        inputs = [kept[f"input{i}"] for i in range(sum(name.startswith("input") for name in kept.files))]
        (got,) = ethosu_simulator.load("case_vela.tflite").run(inputs)
        assert np.array_equal(got.reshape(-1), kept["output"].reshape(-1)), path
        assert ethosu_simulator.timing.estimate("case_vela.tflite").active_cycles > 0
print(ethosu_simulator.__file__)
"""


def uv(*arguments: str | Path) -> str:
    """What uv, which is in this environment, printed."""
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.mark.slow
def test_it_installs_alone_with_two_libraries_and_runs_what_vela_compiled(tmp_path: Path) -> None:
    source, environment = tmp_path / "ethosu_simulator", tmp_path / "environment"
    shutil.copytree(CHECKOUT / "ethosu_simulator", source, ignore=shutil.ignore_patterns("__pycache__"))
    uv("venv", "--quiet", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    uv("pip", "install", "--quiet", "--python", python, "--constraint", LOCK, source)
    installed = {line.split("==")[0].split(" @ ")[0] for line in uv("pip", "freeze", "--python", python).splitlines()}
    toml = {"tomli"} if sys.version_info < (3, 11) else set()
    assert installed == {"ethosu-simulator", "numba", "llvmlite", "numpy"} | toml

    cases = [next(GOLDEN.glob(f"{start}-*.npz")) for start in ("conv-INT8-u55", "depthwise-INT8-u65", "add-INT16-u85")]
    done = subprocess.run(
        [python, "-I", "-c", RUN_GOLDEN, *cases], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(environment)
