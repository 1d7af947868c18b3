"""The float graph of a checkpoint as torch.export writes it: what a torch of another environment quantises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from conversion.checkpoint import fused, requested
from conversion.export import ClassHead, head_module, quiet_exporters
from core.progress import Progress

PROGRAM = "float.pt2"


def write_program(request: Mapping[str, Any], folder: Path, progress: Progress) -> None:
    """The worker's step `program`: the exported program at one image size and cut, input NCHW (1, channels, S, S) in 0..1."""
    size = int(request["image_size"])
    progress("loading")
    model = requested(request)
    whole, classifier = fused(model), model.facts.task == "classify"
    module = ClassHead(whole).eval() if classifier else head_module(whole, request["cut"], size)
    progress("exporting by torch.export")
    with quiet_exporters(), torch.no_grad():
        program = torch.export.export(module, (torch.zeros(1, model.facts.channels, size, size),), strict=False)
        torch.export.save(program, folder / PROGRAM)
