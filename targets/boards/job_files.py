"""Which file of an artefact a board takes for a job, and the inputs as its runner reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import RunError
from core.files import file_sha256, sha256
from core.records.artefact import Artefact, ModelFile
from core.records.job import Tensors
from targets.target import Graph

RawInput = tuple[bytes, ...]
"""One input: the bytes of each of the model's input tensors."""


def artefact_file(artefact: Artefact, graph: Graph) -> ModelFile:
    """The int8 or the compiled file; RunError when it is not the one that was converted."""
    file = artefact.source if graph == "int8" else artefact.compilation.compiled
    found = file_sha256(file.path)
    if found != file.sha256:
        raise RunError(f"`{file.path}` has changed: its SHA-256 is {found}", f"the converted file, {file.sha256}")
    return file


def raw_inputs(feeds: Sequence[Tensors]) -> list[RawInput]:
    """Each input as the bytes that the runner reads; an array that stands there twice is one object twice."""
    arrays = {id(data): data for feed in feeds for data in feed}
    known = {number: np.ascontiguousarray(data).tobytes() for number, data in arrays.items()}
    return [tuple(known[id(data)] for data in feed) for feed in feeds]


def digests_of(inputs: Sequence[RawInput]) -> list[tuple[str, ...]]:
    """The SHA-256 of each tensor of each input; an object that stands there twice is read once."""
    known = {number: sha256(data) for number, data in {id(data): data for feed in inputs for data in feed}.items()}
    return [tuple(known[id(data)] for data in feed) for feed in inputs]
