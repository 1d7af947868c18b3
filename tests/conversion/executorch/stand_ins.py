"""What ExecuTorch wrote of a tiny model, and a lowering that gives it where no ExecuTorch is installed.

`make_tiny` had ExecuTorch 1.5.1 lower two layers into `tiny/`, for U55, U65 and U85: the programs, and the TOSA graph that it
kept, the same for all.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conversion.executorch import lowering
from conversion.steps import Calibration
from core.records.checkpoint_facts import CheckpointFacts
from core.records.image_form import ImageForm, square

TINY = Path(__file__).with_name("tiny")
LOWERED = {"pte": TINY / "tiny_u65.pte", "tosa": TINY / "tiny.tosa"}
FORM = square(64, 3)
FACTS = CheckpointFacts("w", "", "relu", ("a",), 1, 64, (8, 16, 32), 16, False)


def noise(form: ImageForm) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (4, *form.sides, form.channels), dtype=np.uint8)


CALIBRATION = Calibration("four images of noise", 4, noise)


def lowered_without_executorch(
    monkeypatch: pytest.MonkeyPatch, folder: Path, parts: int = 1, unlimited: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Every request to ExecuTorch, answered by the tiny model's files; the exporters are answered by an empty file."""
    monkeypatch.setenv("ETHOS_BENCH_CACHE", str(folder / "cache"))
    (folder / "float.onnx").write_bytes(b"onnx")
    asked: list[dict[str, Any]] = []

    def lower(_python: Path, request: Path, _variant: str, _progress: object) -> dict[str, Any]:
        content = json.loads(request.read_text("utf-8"))
        asked.append(content)
        for suffix in ("pte", "tosa") if parts == 1 else ("pte",):
            shutil.copyfile(LOWERED[suffix], Path(content["folder"]) / f"model.{suffix}")
        return {"parts": parts, "left": {"aten.topk": 2}, "unlimited": list(unlimited)}

    monkeypatch.setattr(lowering, "_lower", lower)
    monkeypatch.setattr(lowering, "executorch_python", lambda: Path(sys.executable))
    for name in ("exported", "exported_program"):
        monkeypatch.setattr(lowering, name, lambda *_: folder)
    return asked
