"""`python -m tests.conversion.executorch.make_tiny` (after `make executorch`): lowers two layers by ExecuTorch into `tiny/`."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conversion.executorch.lowering import executorch_python
from conversion.profile_files import load_profile
from core.processes import run_child
from tests.conversion.executorch.stand_ins import CALIBRATION, FORM, TINY

NPUS = {"u55": "ethos-u55-128", "u65": "ethos-u65-256", "u85": "ethos-u85-256"}
CHILD = Path(__file__).parents[3] / "conversion/executorch/child.py"


def first_kernel() -> NDArray[np.int8]:
    """The first layer's weights (8, 3, 3, 3) by output, input, row, column: whole numbers, which PT2E keeps."""
    kernel = np.random.default_rng(5).integers(-126, 127, (8, 3, 3, 3), dtype=np.int8)
    kernel[:, 0, 0, 0] = 127
    return kernel


def lowered(folder: Path) -> dict[str, Path]:
    """For each NPU a folder with what ExecuTorch makes of two layers, `model.pte` and `model.tosa`: one process lowers all."""
    import torch

    torch.manual_seed(5)
    first = torch.nn.Conv2d(3, 8, 3, stride=2, padding=1)
    first.weight.data = torch.from_numpy(first_kernel().astype(np.float32) / 127)
    layers = torch.nn.Sequential(first, torch.nn.LeakyReLU(0.1), torch.nn.Conv2d(8, 8, 3, stride=2, padding=1), torch.nn.ReLU())
    with torch.no_grad():
        program = torch.export.export(layers.eval(), (torch.zeros(1, 3, *FORM.sides),), strict=False)
        torch.export.save(program, folder / "float.pt2")
    np.save(folder / "images.npy", CALIBRATION.letterboxed(FORM))
    requests = [_request(npu, folder, folder / short) for short, npu in NPUS.items()]
    done = run_child((executorch_python(), CHILD, *requests), timeout_s=1800)
    assert done.returncode == 0, done.stderr
    return {npu: folder / short for short, npu in NPUS.items()}


def _request(npu: str, folder: Path, made: Path) -> Path:
    profile = load_profile(npu)
    request = {
        "graph": str(folder / "float.pt2"), "images": str(folder / "images.npy"), "layout": "nchw", "folder": str(made),
        "target": profile.accelerator_config, "system_config": profile.system_config, "memory_mode": profile.memory_mode,
        "vela_config": profile.vela_config,
    }  # fmt: skip
    made.mkdir()
    (made / "request.json").write_text(json.dumps(request))
    return made / "request.json"


def main() -> None:
    """Write a program for each NPU, and the graph that ExecuTorch kept: the same for all."""
    with tempfile.TemporaryDirectory() as place:
        folders = lowered(Path(place)).values()
        for made in folders:
            shutil.copyfile(made / "model.pte", TINY / f"tiny_{made.name}.pte")
        (graph,) = {(made / "model.tosa").read_bytes() for made in folders}
    (TINY / "tiny.tosa").write_bytes(graph)


if __name__ == "__main__":
    main()
