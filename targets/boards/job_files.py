"""Which file of an artefact a board takes for a job, and the inputs as its runner reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError
from core.files import file_sha256, sha256
from core.records.artefact import Artefact, ModelFile
from targets.target import Graph


def artefact_file(artefact: Artefact, graph: Graph) -> ModelFile:
    """The int8 or the compiled file; RunError when it is not the one that was converted."""
    file = artefact.source if graph == "int8" else artefact.compilation.compiled
    found = file_sha256(file.path)
    if found != file.sha256:
        raise RunError(f"`{file.path}` has changed: its SHA-256 is {found}", f"the converted file, {file.sha256}")
    return file


def raw_inputs(inputs: Sequence[NDArray[np.int8]]) -> list[bytes]:
    """Each input as the bytes that the runner reads; an array that stands there twice is one object twice."""
    known = {id(data): np.ascontiguousarray(data).tobytes() for data in {id(data): data for data in inputs}.values()}
    return [known[id(data)] for data in inputs]


def digests_of(inputs: Sequence[bytes]) -> list[str]:
    """The SHA-256 of each input; an object that stands there twice is read once."""
    known = {id(data): sha256(data) for data in {id(data): data for data in inputs}.values()}
    return [known[id(data)] for data in inputs]
