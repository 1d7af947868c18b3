"""The bytes a run must have: the int8 file in TFLite Micro's reference kernels, kept by content, and the comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.cache import entry
from core.files import sha256
from core.progress import Progress
from core.records.artefact import ModelFile
from core.records.job import Tensors
from core.tflite.graph import TfliteGraph
from targets.tflite_micro import NAME, RUNNER_MODULE, run_micro
from targets.tflite_parts import keeps_state

Array = NDArray[Any]
Outputs = Sequence[Sequence[Array]]

MAX_ELEMENT_BYTES = 4


@dataclass(frozen=True)
class Equality:
    """How many of `images` gave the reference's bytes in every output, and the first difference in words ("" without any).

    `finding` is what is known of a difference: its cause, or that TFLite Micro stands alone.
    """

    images: int
    equal: int
    difference: str
    reference: str = NAME
    finding: str = ""


@dataclass(frozen=True)
class Reference:
    """The outputs that each image has to give, and who says so."""

    name: str
    outputs: Outputs


def reference_outputs(
    model: ModelFile, graph: TfliteGraph, images: Sequence[Tensors], processes: int, progress: Progress
) -> list[list[Array]]:
    """The outputs of a plain quantised file for each image, an image being all its inputs; RunError when it is refused.

    Each image is an entry of the cache of its own: TFLite Micro's kernels take seconds for a detector at 640 px. The images of
    a model with variables are one sequence and one entry, as targets run them.
    """
    content = model.path.read_bytes()
    sequences = [images] if keeps_state(content) else [[image] for image in images]
    done: list[int] = []

    def outputs_of(sequence: Sequence[Tensors]) -> list[list[Array]]:
        found = _outputs(model, content, graph, sequence, progress)
        done.append(len(sequence))
        progress(f"reference: {sum(done)} of {len(images)} images in TFLite Micro")
        return found

    pool = ThreadPoolExecutor(processes)
    try:
        return [outputs for found in pool.map(outputs_of, sequences) for outputs in found]
    finally:
        pool.shutdown(cancel_futures=True)


def _outputs(
    model: ModelFile, content: bytes, graph: TfliteGraph, sequence: Sequence[Tensors], progress: Progress
) -> list[list[Array]]:
    """The outputs for images that the model sees one after the other, from the cache."""
    tensor_bytes = sum(math.prod(map(abs, tensor.shape)) * MAX_ELEMENT_BYTES for tensor in graph.tensors if not tensor.constant)
    count = len(graph.outputs)

    def make(folder: Path) -> None:
        found = run_micro(content, sequence, count, tensor_bytes, str(model.path))
        for number, output in enumerate(output for outputs in found for output in outputs):
            np.save(folder / f"{number}.npy", output, allow_pickle=False)

    fed = [sha256(b"".join(tensor.tobytes() for tensor in image)) for image in sequence]
    parts = {"model": model.sha256, "input": fed, "runtime": NAME}
    folder = entry("reference", parts, make, (RUNNER_MODULE,), progress)
    numbers = [range(image * count, (image + 1) * count) for image in range(len(sequence))]
    return [[np.load(folder / f"{number}.npy", allow_pickle=False) for number in own] for own in numbers]


def compare(outputs: Outputs, expected: Outputs, names: Sequence[str], reference: str = NAME) -> Equality:
    """The images whose outputs are the reference's bytes, and where the first other image departs."""
    differences = [_difference(image, *pair, names) for image, pair in enumerate(zip(outputs, expected, strict=True))]
    found = [difference for difference in differences if difference]
    return Equality(len(differences), len(differences) - len(found), found[0] if found else "", reference)


def _difference(image: int, outputs: Sequence[Array], expected: Sequence[Array], names: Sequence[str]) -> str:
    """Which output of an image differs, in how many bytes, and where first; "" when none does."""
    for number, (name, output, wanted) in enumerate(zip(names, outputs, expected, strict=True)):
        what = f"image {image}, output {number} `{name}`"
        if output.dtype != wanted.dtype or output.size != wanted.size:
            return f"{what}: {output.dtype} {list(output.shape)} instead of {wanted.dtype} {list(wanted.shape)}"
        shaped = wanted.reshape(output.shape)
        differing = int(np.count_nonzero(_bytes(output) != _bytes(shaped)))
        if differing:
            first = tuple(map(int, np.argwhere(output != shaped)[0]))
            where = f"first at {list(first)}: {output[first]} instead of {shaped[first]}"
            return f"{what}: {differing} of {output.nbytes} bytes differ, {where}"
    return ""


def _bytes(values: Array) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)
