"""Python environments of their own for tools that cannot live in ours: made once from a lock, in the cache folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import filelock

from core.cache import cache_errors, cache_root
from core.errors import ToolMissing
from core.files import file_sha256, write_whole
from core.processes import run_child
from core.progress import Progress, on_stderr

MADE = "made"
"""The file in an environment that is written last: without it the environment is made anew."""
TIME_LIMIT_S = 1800.0
LAST_LINES = 5


def tool_python(name: str, lock: Path, tell: Progress = on_stderr) -> Path:
    """The interpreter of the environment `name`, which holds what `lock` pins by hash; the first call makes it.

    A second process waits for the first. ToolMissing with pip's last words when a package cannot be had.
    """
    folder = environment_of(name, lock)
    root, python = folder.parent, interpreter_of(folder)
    if is_made(name, lock):
        return python
    with cache_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            if not is_made(name, lock):
                tell(f"installing {name} into an environment of its own")
                _make(name, lock, folder, python)
    return python


def environment_of(name: str, lock: Path) -> Path:
    """The folder of an environment, made or not; another lock or another Python has another one."""
    return cache_root() / "environments" / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}-{file_sha256(lock)[:12]}"


def interpreter_of(folder: Path) -> Path:
    """The interpreter in an environment's folder."""
    return folder / "bin" / "python" if sys.platform != "win32" else folder / "Scripts" / "python.exe"


def is_made(name: str, lock: Path) -> bool:
    """Whether the environment is whole."""
    return (environment_of(name, lock) / MADE).is_file()


def _make(name: str, lock: Path, folder: Path, python: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock)
    for command in ((sys.executable, "-m", "venv", folder), install):
        done = run_child(command, timeout_s=TIME_LIMIT_S)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            said = "\n".join(f"    {line}" for line in lines[-LAST_LINES:])
            raise ToolMissing(f"{name} cannot be installed:\n{said}", "the Python package index within reach, once")
    write_whole(folder / MADE, "")
