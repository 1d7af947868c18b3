"""A checkpoint lowered by ExecuTorch: a cached folder with the TOSA graph that Vela takes and the program (.pte)."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conversion.compiled_files import compiled_graph
from conversion.file_kinds import TOSA
from conversion.pipeline import Settings, Source, image_size, model_file
from conversion.steps import Calibration, Origin, exported, exported_program, message, save_array
from conversion.tosa_graph import read_tosa
from core.cache import entry
from core.errors import ConversionError, ToolMissing
from core.files import file_sha256
from core.installation import installation
from core.processes import run_child
from core.progress import Progress
from core.records.checkpoint_facts import CheckpointFacts
from core.records.image_form import ImageForm, square
from core.records.profile import Profile
from core.tflite.graph import TfliteGraph
from core.tool_environment import environment_of, interpreter_of, is_made

NAME = "executorch"
LOCK = Path(__file__).with_name("requirements-executorch.lock")
CHILD = Path(__file__).with_name("child.py")
TIME_LIMIT_S = 3600.0
LAST_LINES = 3
NAMED = 4
LAYOUTS = ("nchw", "nhwc")
"""Memory formats that a program can be lowered with: torch's contiguous one, and channels_last."""
RECIPE = "pt2e"
LOWERED = "lowered.json"
CHILD_MODULE = "conversion.executorch.child"


def lowered_source(
    origin: Origin,
    facts: CheckpointFacts,
    settings: Settings,
    calibration: Calibration,
    profile: Profile,
    layout: str,
    progress: Progress,
) -> Source:
    """The TOSA graph that ExecuTorch makes of a checkpoint for a profile's NPU, with its float reference.

    The scales of its inputs and outputs are those of the program's own quantize and dequantize. ConversionError when the NPU
    gets more than one part, ToolMissing with the line to type when the environment has not been made.
    """
    size = image_size(origin, facts, settings.image_size)
    floats = exported(origin, facts, size, settings.cut, progress)
    graph_file = exported_program(origin, facts, size, settings.cut, progress) / "float.pt2"
    parts = {
        "weights": facts.weights, "image_size": size, "cut": settings.cut, "calibration": calibration.identity,
        "layout": layout, "profile": profile.identity, "lock": file_sha256(LOCK),
    }  # fmt: skip
    asked = {"graph": str(graph_file), "layout": layout, **_vela_of(profile)}
    worker = _Worker(
        python=executorch_python(),
        variant=origin.variant,
        form=square(size, facts.channels),
        calibration=calibration,
        progress=progress,
    )
    code = (CHILD_MODULE, calibration.letterboxed.__module__)
    folder = entry("lower", parts, lambda made: worker.write(asked, made), code, progress)
    return _source(origin, facts, size, folder, floats)


def _source(origin: Origin, facts: CheckpointFacts, size: int, folder: Path, floats: Path) -> Source:
    """What lowering left in `folder`; ConversionError when it is of several parts."""
    said = json.loads((folder / LOWERED).read_text("utf-8"))
    _require_one_part(said, origin.variant)
    tosa = model_file(folder / "model.tosa")
    return Source(
        variant=origin.variant,
        int8=tosa,
        graph=with_scales(read_tosa(tosa.path), compiled_graph(folder / "model.pte")),
        image_size=size,
        recipe=RECIPE,
        floating=model_file(floats / "float.onnx"),
        facts=facts,
        kind=TOSA,
        findings=_lost_limits(said["unlimited"]),
    )


def _lost_limits(activations: Sequence[str]) -> tuple[str, ...]:
    if not activations:
        return ()
    return (
        f"ExecuTorch joins {len(activations)} ReLU ({', '.join(activations[:NAMED])}) with the operator before and loses its "
        "limit at 0, since its zero point is not the least integer: negative values pass, so the TOSA graph computes other "
        "numbers than the graph that PT2E quantised, whatever its bytes; look at its accuracy",
    )


def _vela_of(profile: Profile) -> dict[str, str]:
    """What the lowering's own Vela is told of a profile, by the child's words."""
    return {
        "target": profile.accelerator_config,
        "system_config": profile.system_config,
        "memory_mode": profile.memory_mode,
        "vela_config": str(profile.vela_config),
    }


@dataclass(frozen=True, kw_only=True)
class _Worker:
    """What lowers in the environment of ExecuTorch, and what it calibrates on."""

    python: Path
    variant: str
    form: ImageForm
    calibration: Calibration
    progress: Progress

    def write(self, asked: Mapping[str, str], folder: Path) -> None:
        """Fill a folder with the program, its TOSA graph, and what is left around it."""
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="lower-") as place:
            images, request = Path(place) / "images.npy", Path(place) / "request.json"
            self.progress(f"letterboxing {self.calibration.count} calibration images")
            save_array(images, self.calibration.letterboxed(self.form))
            request.write_text(json.dumps({**asked, "images": str(images), "folder": str(folder)}), "utf-8")
            said = _lower(self.python, request, self.variant, self.progress)
        (folder / LOWERED).write_text(json.dumps(said), "utf-8")


def executorch_python() -> Path:
    """The interpreter that has ExecuTorch; ToolMissing with the line that makes its environment."""
    if not is_made(NAME, LOCK):
        raise ToolMissing(
            "--frontend executorch: its environment has not been made (5 GB; once made it needs no network)",
            "ExecuTorch, which pins another Vela than ours, in an environment of its own",
            "make executorch" if installation().kind == "checkout" else f"{sys.executable} -m conversion.executorch",
        )
    return interpreter_of(environment_of(NAME, LOCK))


def with_scales(graph: TfliteGraph, program: TfliteGraph) -> TfliteGraph:
    """A TOSA graph whose inputs and outputs have the scales that the program around its only delegate gives them."""
    (delegate,) = [operator for operator in program.operators if operator.custom]
    known = [program.tensors[place] for place in (*delegate.inputs, *delegate.outputs)]
    both = (*graph.inputs, *graph.outputs)
    scaled = {
        tensor.index: replace(tensor, scales=other.scales, zero_points=other.zero_points)
        for tensor, other in zip(both, known, strict=True)
    }
    return replace(
        graph,
        tensors=tuple(scaled.get(tensor.index, tensor) for tensor in graph.tensors),
        inputs=tuple(scaled[tensor.index] for tensor in graph.inputs),
        outputs=tuple(scaled[tensor.index] for tensor in graph.outputs),
    )


def _lower(python: Path, request: Path, variant: str, progress: Progress) -> dict[str, Any]:
    """What the child says of the program that it wrote."""
    said: dict[str, Any] = {}

    def listen(line: str) -> None:
        found = message(line)
        if "progress" in found:
            progress(str(found["progress"]))
        said.update(found)

    done = run_child((python, CHILD, request), timeout_s=TIME_LIMIT_S, on_line=listen)
    if done.returncode or "lowered" not in said:
        last = [line.strip() for line in done.stderr.splitlines() if line.strip()][-LAST_LINES:]
        ending = "ran out of time" if done.timed_out else f"ended with {done.returncode}"
        raise ConversionError(f"ExecuTorch does not lower `{variant}`: it {ending}: {' | '.join(last)[:500]}")
    lowered: dict[str, Any] = said["lowered"]
    return lowered


def _require_one_part(lowered: dict[str, Any], variant: str) -> None:
    if lowered["parts"] != 1:
        left = ", ".join(f"{count} {name}" for name, count in lowered["left"].items())
        raise ConversionError(
            f"ExecuTorch divides `{variant}` into {lowered['parts']} parts for the NPU, with {left} around them",
            "one part: `--cut raw` ends before the decode",
        )
