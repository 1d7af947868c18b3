"""Older Velas, whose streams boards still run: each in an environment of its own, made by `make velas` in the cache folder.

`python -m tests.ethosu_simulator.velas [VERSION ...]` makes those that are missing.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from core.cache import cache_root

VERSIONS = ("3.9.0", "3.12.0", "4.2.0", "4.5.0", "5.0.0", "5.1.0")
OURS = metadata.version("ethos-u-vela")
U85_SINCE = "4.2.0"
CI_VERSIONS = ("3.12.0", "4.2.0")  # one with the compiler in Python only, the first with its successor
SMALL_SET = ("max_pool-INT8-u55-128-7", "average_pool-INT8-u65-256-7", "softmax-INT8-u55-256-7", "mean-INT8-u55-128-7")
SMALL_SET_U85 = ("average_pool-INT8-u85-256-7", "max_pool-INT8-u85-128-7")
SERVER = Path(__file__).with_name("vela_server.py")
UV = Path(sys.executable).with_name("uv")


def python_of(version: str) -> Path:
    """The interpreter of that Vela's environment, which may not have been made; of our own Vela this one."""
    if version == OURS:
        return Path(sys.executable)
    return cache_root() / "velas" / version / "bin" / "python"


def small_set(version: str) -> tuple[str, ...]:
    """Graphs of the generator whose registers that Vela fills in its own way: pools, means, softmax."""
    return SMALL_SET + (SMALL_SET_U85 if numbers(version) >= numbers(U85_SINCE) else ())


def numbers(version: str) -> tuple[int, ...]:
    """The version in the order of versions."""
    return tuple(map(int, version.split(".")))


def missing(versions: tuple[str, ...] = VERSIONS) -> list[str]:
    """Those without an environment."""
    return [version for version in versions if not python_of(version).with_name("vela").is_file()]


def make(version: str) -> None:
    """Create the environment; CalledProcessError when a package cannot be had."""
    python = python_of(version)
    subprocess.run([UV, "venv", "--quiet", "--clear", "--python", sys.executable, python.parents[1]], check=True)
    # They read their version through pkg_resources, which setuptools dropped, and count on numpy 1 wrapping integers.
    wanted = [f"ethos-u-vela=={version}", "setuptools<70", "numpy<2"]
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *wanted], check=True)


class _Server:
    """A process of one Vela that compiles file after file; it starts again after a crash."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._child: subprocess.Popen[str] | None = None

    def compile(self, path: Path, config: str, folder: Path) -> None:
        """Compile with default options; RuntimeError with Vela's words when it refuses or dies."""
        child = self._child or self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(f"{path}\t{config}\t{folder}\n")
            child.stdin.flush()
        answer = child.stdout.readline().strip()
        if not answer:
            self._child = None
            raise RuntimeError(f"Vela {self._version} ends with {_words(child.wait())}")
        if answer != "good":
            raise RuntimeError(f"Vela {self._version}: {answer}")

    def _start(self) -> subprocess.Popen[str]:
        self._child = subprocess.Popen(
            [python_of(self._version), SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self._child


def _words(code: int) -> str:
    """SIGSEGV rather than -11."""
    return signal.Signals(-code).name if code < 0 else str(code)


@functools.cache
def _server(version: str) -> _Server:
    return _Server(version)


def compile_with(version: str, path: Path, config: str, folder: Path) -> Path:
    """What that Vela makes of a model; RuntimeError when it refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{path.stem}_vela.tflite"
    target.unlink(missing_ok=True)
    _server(version).compile(path, f"ethos-{config}", folder)
    if not target.is_file():
        raise RuntimeError(f"Vela {version} wrote no file")
    return target


def main(wanted: list[str]) -> int:
    """0 when all are there."""
    for version in missing(tuple(wanted) or VERSIONS):
        sys.stdout.write(f"Vela {version} into {python_of(version).parents[1]}\n")
        make(version)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
