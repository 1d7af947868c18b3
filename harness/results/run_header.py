"""What a run was: when, where, with which code and tools."""

from __future__ import annotations

import platform
import secrets
import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import psutil

from core.versions import version_of
from harness.results.results_file import RunHeader

PACKAGES = (
    "ethos-bench", "ai-edge-litert", "ai-edge-quantizer", "ethos-u-vela", "faster-coco-eval", "litert-torch", "numpy",
    "onnxruntime", "pytest", "pytest-benchmark", "tflite-micro", "torch", "ultralytics-opencv-headless",
)  # fmt: skip


def run_header(arguments: Sequence[str], checkout: Path) -> RunHeader:
    """The header of a run that starts now with pytest's `arguments`."""
    now = datetime.now(timezone.utc)
    return RunHeader(
        id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",  # process numbers repeat on a farm
        started=now.isoformat(timespec="seconds"),
        commit=_git(checkout, "rev-parse", "HEAD") or "unknown",
        dirty=bool(_git(checkout, "status", "--porcelain")),
        command=" ".join(["pytest", *(str(argument) for argument in arguments)]),
        host={
            "system": platform.platform(),
            "machine": platform.machine(),
            "cores": str(psutil.cpu_count()),
            "memory_bytes": str(psutil.virtual_memory().total),
            "python": platform.python_version(),
        },
        versions={name: version_of(name) for name in PACKAGES},
    )


def _git(checkout: Path, *arguments: str) -> str:
    """What git says, "" outside a checkout or without git."""
    try:
        done = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
