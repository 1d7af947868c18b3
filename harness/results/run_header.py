"""What a run was: when, where, with which code and tools."""

from __future__ import annotations

import platform
import secrets
import subprocess
from datetime import datetime, timezone

import psutil

from core.installation import ROOT, installation
from core.json_text import keepable
from core.redaction import redacted, without_home
from core.versions import version_of
from harness.results.results_file import RunHeader

PACKAGES = (
    "ethos-bench", "ai-edge-litert", "ai-edge-quantizer", "ethos-u-vela", "faster-coco-eval", "litert-torch", "numpy",
    "onnxruntime", "pytest", "pytest-benchmark", "tflite-micro", "torch", "ultralytics-opencv-headless",
)  # fmt: skip


def run_header(command: str) -> RunHeader:
    """The header of a run that starts now by a command."""
    now = datetime.now(timezone.utc)
    return RunHeader(
        id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",  # process numbers repeat on a farm
        started=now.isoformat(timespec="seconds"),
        commit=_git("rev-parse", "HEAD") or "unknown",
        dirty=bool(_git("status", "--porcelain")),
        command=keepable(without_home(redacted(command))),
        host={
            "system": platform.platform(),
            "machine": platform.machine(),
            "cores": str(psutil.cpu_count()),
            "memory_bytes": str(psutil.virtual_memory().total),
            "python": platform.python_version(),
        },
        versions={name: version_of(name) for name in PACKAGES},
    )


def _git(*arguments: str) -> str:
    """What git says of the harness, "" without git and of an installed copy, which may lie in a repository of the user's."""
    if installation().kind != "checkout":
        return ""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
