"""A wheel, installed in a clean environment and used in an empty folder, on the oldest and the newest Python that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks import tiny
from tests.checkout import CHECKOUT
from tests.harness.schema import read_results

pytestmark = pytest.mark.slow
SUPPORTED = ("3.10", "3.11", "3.12", "3.13")
UV = Path(sys.executable).parent / "uv"
COPIED = ("core", "harness", "conversion", "targets", "ethosu_simulator")


@dataclass(frozen=True)
class Installed:
    """An environment of its own that holds our wheel, and the empty folder in which it is used."""

    programs: Path
    folder: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "ETHOS_BENCH_", "PYTHON"))}
        environment = {**kept, "ETHOS_BENCH_CACHE": str(self.folder / "cache")}
        command = [str(self.programs / program), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=500, check=False
        )


def pythons() -> dict[str, str]:
    """Version -> interpreter of each supported Python, found where `make check` finds them."""
    found: dict[str, str] = {}
    for version in SUPPORTED:
        places = [f"python{version}", *map(str, sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python")))]
        for place in filter(None, map(shutil.which, places)):
            if subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
                found.setdefault(version, place)
    return found


def edges() -> list[str]:
    """The oldest and the newest version that is here."""
    versions = sorted(pythons(), key=SUPPORTED.index)
    return list(dict.fromkeys([versions[0], versions[-1]])) if versions else []


def build(source: Path, output: Path) -> Path:
    command = [
        UV,
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        output,
        source,
    ]
    subprocess.run(list(map(str, command)), check=True, timeout=120)
    return next(output.glob("*.whl"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packaged: a build leaves folders beside its sources."""
    if not UV.exists():
        pytest.skip("needs uv")
    folder = tmp_path_factory.mktemp("source")
    for name in COPIED:
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    shutil.copytree(CHECKOUT / "benchmarks", folder / "benchmarks", ignore=shutil.ignore_patterns("__pycache__", "studies"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def simulator_wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(source / "ethosu_simulator", tmp_path_factory.mktemp("simulator-wheel"))


def install(wheel: Path, version: str, place: Path) -> Installed:
    environment, folder = place / "environment", place / "empty"
    folder.mkdir()
    subprocess.run([UV, "venv", "--quiet", "--python", pythons()[version], environment], check=True, timeout=60)
    lock = CHECKOUT / "requirements.lock"
    target = ["--python", str(environment / "bin" / "python"), "--constraint", str(lock)]
    subprocess.run([str(UV), "pip", "install", "--quiet", *target, str(wheel)], check=True, timeout=300)
    return Installed(environment / "bin", folder)


@pytest.mark.parametrize("version", edges())
def test_the_wheel_does_the_main_jobs_in_an_empty_folder(wheel: Path, version: str, tmp_path: Path) -> None:
    here = install(wheel, version, tmp_path)
    (here.folder / "tiny.tflite").write_bytes(tiny.detector())
    # the simulator compiles its loops at its first use: once is enough, the fast tests of each Python run all of it
    target = "sim" if version == edges()[-1] else "host"
    run = ["run", "--model", "tiny.tflite", "--target", target, "--npu", "ethos-u55-32"]
    for arguments in (
        ["inspect", "tiny.tflite", "--npu", "himax-we2"],
        run,
        [*run, "-q", "--no-report"],
        ["report", "latest", "--output", "page.html"],
    ):
        done = here.run("ethos-bench", *arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
    first, second = sorted((here.folder / "results").glob("2*"))
    compared = here.run("ethos-bench", "compare", first.name, second.name)
    assert compared.returncode in (0, 1), compared.stdout + compared.stderr  # a loaded machine may be slower the second time
    assert first.name in compared.stdout
    found = read_results(first)
    assert {record["metric"] for record in found["records"]} > {"npu_mac_share", "arena_bytes", "bit_exact"}
    assert found["run"]["commit"] == "unknown"
    assert "<html" in (here.folder / "page.html").read_text()
    _says_how_to_get_an_extra(here, wheel)


def _says_how_to_get_an_extra(here: Installed, wheel: Path) -> None:
    (here.folder / "best.pt").write_bytes(b"PK")
    done = here.run("ethos-bench", "run", "--checkpoint", "best.pt")
    assert done.returncode == 3, done.stdout + done.stderr
    line = f"uv pip install --python {here.programs / 'python'} 'ethos-bench[convert] @ file://{wheel}'"
    assert line in done.stdout + done.stderr
    assert f"fix: {line}" in here.run("ethos-bench", "doctor").stdout


@pytest.mark.parametrize("version", edges()[-1:])
def test_the_simulators_own_wheel_installs_alone_and_holds_the_same_files(
    wheel: Path, simulator_wheel: Path, version: str, tmp_path: Path
) -> None:
    here = install(simulator_wheel, version, tmp_path)
    program = "import ethosu_simulator; from importlib.util import find_spec as found; print(ethosu_simulator.__all__, {})"
    done = here.run("python", "-c", program.format("found('torch'), found('core')"))
    assert done.returncode == 0, done.stderr
    assert "'load'" in done.stdout
    assert done.stdout.rstrip().endswith("None None")

    def held(path: Path) -> dict[str, bytes]:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith("ethosu_simulator/")]
            return {name: archive.read(name) for name in names if not name.endswith("pyproject.toml")}

    assert held(wheel) == held(simulator_wheel)
