"""The bytes that a run of TOSA's operators must have: those of the TOSA reference model, kept by content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from conversion.file_kinds import TOSA
from conversion.pipeline import Source
from conversion.tosa_graph import read_tosa
from core.cache import entry
from core.files import file_sha256, sha256
from core.progress import Progress
from core.records.job import Tensors
from harness.workbench.reference import Array, Reference
from targets.tosa.in_place import with_reference
from targets.tosa.reference import reference_name, tosa_outputs

CHILD_MODULE = "targets.tosa.child"
"""No import leads to what runs in an environment of its own."""


def tosa_reference(source: Source, tosa: Path, feeds: Sequence[Tensors], tell: Progress) -> Reference:
    """The outputs of a TOSA graph for each image; of a compiled file, its own with the reference model in the NPU's place.

    `tosa` is the graph itself, or the one that the compiled file was made of. RunError when it is another graph, or is refused.
    """
    graph, count = read_tosa(tosa), len(source.graph.outputs)

    def made() -> list[list[Array]]:
        tell(f"reference: {len(feeds)} images in the TOSA reference model")
        if source.kind == TOSA:
            return tosa_outputs(tosa, graph, feeds, tell)
        return with_reference(source.int8.path, tosa, graph, feeds, tell)

    def make(folder: Path) -> None:
        for number, output in enumerate(output for outputs in made() for output in outputs):
            np.save(folder / f"{number}.npy", output, allow_pickle=False)

    fed = [sha256(b"".join(tensor.tobytes() for tensor in image)) for image in feeds]
    parts = {"model": source.int8.sha256, "tosa": file_sha256(tosa), "input": fed, "runtime": reference_name()}
    folder = entry("reference", parts, make, (CHILD_MODULE,), tell)
    numbers = [range(image * count, (image + 1) * count) for image in range(len(feeds))]
    outputs = [[np.load(folder / f"{number}.npy", allow_pickle=False) for number in own] for own in numbers]
    return Reference(reference_name(), outputs)
