"""Older Velas, whose streams boards still run: each in an environment of its own, made by `make velas`."""

from __future__ import annotations

import contextlib
import functools
import signal
import subprocess
from pathlib import Path

from conversion.velas.environments import executable_of, is_at_hand
from conversion.velas.versions import installed_version, numbers

VERSIONS = ("3.9.0", "3.12.0", "4.2.0", "4.5.0", "5.0.0", "5.1.0")
OURS = installed_version()
U85_SINCE = "4.2.0"
CI_VERSIONS = ("3.12.0", "4.2.0")  # one with the compiler in Python only, the first with its successor
SMALL_SET = ("max_pool-INT8-u55-128-7", "average_pool-INT8-u65-256-7", "softmax-INT8-u55-256-7", "mean-INT8-u55-128-7")
SMALL_SET_U85 = ("average_pool-INT8-u85-256-7", "max_pool-INT8-u85-128-7")
SERVER = Path(__file__).with_name("vela_server.py")


def small_set(version: str) -> tuple[str, ...]:
    """Graphs of the generator whose registers that Vela fills in its own way: pools, means, softmax."""
    return SMALL_SET + (SMALL_SET_U85 if numbers(version) >= numbers(U85_SINCE) else ())


def missing(versions: tuple[str, ...] = VERSIONS) -> list[str]:
    """Those without an environment."""
    return [version for version in versions if not is_at_hand(version)]


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
            [executable_of(self._version).with_name("python"), SERVER],
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
