"""Runs in the environment of ExecuTorch: `child.py REQUEST.json...`, a float graph in, a TOSA graph and a program (.pte) out.

A request names `graph` (a .pt2 of torch.export), `images` (an .npy, uint8 N x S x S x C), `layout` (nchw, nhwc), `target`,
`system_config`, `memory_mode` and `vela_config` for Vela, and `folder`, which gets `model.pte`, and `model.tosa` when one
part is for the NPU. Progress goes to stdout as JSON lines, the last one of a request is
{"lowered": {"parts": N, "left": {kernel: count}, "unlimited": [activation]}}.
Imports nothing of ours.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

OF_VELA = "out.tosa"
"""What Vela was given last; each part has a file of its own beside it."""
LIMITED_AT_ZERO = ("relu", "relu_")
JOINED = ("conv", "linear")
TOLD_EVERY = 16
"""Calibration images between two lines of progress."""


def tell(text: str) -> None:
    """Print a line of progress."""
    print(json.dumps({"progress": text}), file=sys.__stdout__, flush=True)


def main(*paths: str) -> int:
    """0 when each request's folder holds its program."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(os.cpu_count() or 1)
    for path in paths:
        answer(torch, json.loads(Path(path).read_text("utf-8")))
    return 0


def answer(torch: Any, request: dict[str, Any]) -> None:
    """Fill the folder of a request, and say what is in it."""
    folder = Path(request["folder"])
    with torch.no_grad():
        edge, unlimited = lower(torch, request, folder)
    program = edge.to_executorch()
    (folder / "model.pte").write_bytes(program.buffer)
    graphs = [path for path in sorted(folder.glob("intermediates/*.tosa")) if path.name != OF_VELA]
    left = Counter(str(node.target) for node in edge.exported_program().graph.nodes if node.op == "call_function")
    found = {"parts": len(graphs), "left": dict(left), "unlimited": unlimited}
    print(json.dumps({"lowered": found}), file=sys.__stdout__, flush=True)
    if len(graphs) == 1:
        graphs[0].replace(folder / "model.tosa")
    shutil.rmtree(folder / "intermediates")


def lower(torch: Any, request: dict[str, Any], folder: Path) -> tuple[Any, list[str]]:
    """(the edge program, every part that the NPU can take delegated, what is `unlimited`); TOSA in `intermediates`."""
    ethosu: Any = importlib.import_module("executorch.backends.arm.ethosu")
    exir: Any = importlib.import_module("executorch.exir")
    spec = ethosu.EthosUCompileSpec(
        target=request["target"],
        system_config=request["system_config"],
        memory_mode=request["memory_mode"],
        config_ini=request["vela_config"],
    ).dump_intermediate_artifacts_to(str(folder / "intermediates"))
    last = request["layout"] == "nhwc"
    converted, sample = quantised(torch, spec, request, last=last)
    tell("lowering to TOSA, and Vela")
    edge = exir.to_edge_transform_and_lower(
        torch.export.export(converted, (sample,), strict=False),
        partitioner=[ethosu.EthosUPartitioner(spec)],
        compile_config=exir.EdgeCompileConfig(_check_ir_validity=False),
    )
    return edge, unlimited(converted.graph.nodes)


def unlimited(nodes: Any) -> list[str]:
    """The ReLUs whose limit at 0 the lowering loses: "relu_23 (zero point -13)".

    ExecuTorch 1.5.1 joins one with the convolution before it and counts on the saturation of int8 for the limit, which is
    right where the zero point is the least integer (backends/arm/_passes/fuse_quantized_activation_pass.py).
    """
    found = []
    for node in nodes:
        if str(node.target).partition(".")[2].partition(".")[0] not in LIMITED_AT_ZERO:
            continue
        before, (user, *others) = node.args[0], node.users or (node,)
        if others or "quantize_per_tensor" not in str(user.target) or len(before.users) != 1:
            continue
        if any(kind in str(before.target) for kind in JOINED) and user.args[2] != user.args[3]:
            found.append(f"{node.name} (zero point {user.args[2]})")
    return found


def quantised(torch: Any, spec: Any, request: dict[str, Any], *, last: bool) -> tuple[Any, Any]:
    """(the int8 module as PT2E makes it, one image as it takes them)."""
    numpy: Any = importlib.import_module("numpy")
    quantizer: Any = importlib.import_module("executorch.backends.arm.quantizer")
    pt2e: Any = importlib.import_module("torchao.quantization.pt2e.quantize_pt2e")
    images = numpy.load(request["images"], mmap_mode="r", allow_pickle=False)

    def image(number: int) -> Any:
        chosen = numpy.ascontiguousarray(images[number : number + 1]).astype(numpy.float32) / 255
        turned = torch.from_numpy(chosen).permute(0, 3, 1, 2)
        return turned.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    module = torch.export.load(request["graph"]).module()
    if last:
        module = module.to(memory_format=torch.channels_last)
    exported = torch.export.export(module, (image(0),), strict=False).module()
    own = quantizer.EthosUQuantizer(spec)
    own.set_global(quantizer.get_symmetric_quantization_config())
    prepared = pt2e.prepare_pt2e(exported, own)
    for number in range(len(images)):
        prepared(image(number))
        if not (number + 1) % TOLD_EVERY:
            tell(f"PT2E: {number + 1} of {len(images)} calibration images")
    return pt2e.convert_pt2e(prepared), image(0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
