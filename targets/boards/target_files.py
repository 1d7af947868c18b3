"""Which file of an artefact a board takes, and its inputs as it reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.errors import RunError
from harness.records.artefact import Artefact, ModelFile
from targets.boards.link import sha256_of
from targets.target import Graph


def artefact_file(artefact: Artefact, graph: Graph) -> ModelFile:
    """The int8 or the compiled file; RunError when it is not the one that was converted."""
    file = artefact.source if graph == "int8" else artefact.compilation.compiled
    found = sha256_of(file.path)
    if found != file.sha256:
        raise RunError(f"`{file.path}` has changed: its SHA-256 is {found}", f"the converted file, {file.sha256}")
    return file


def raw_inputs(inputs: Sequence[NDArray[np.int8]]) -> list[bytes]:
    """Each input as the bytes that the runner reads."""
    return [np.ascontiguousarray(data).tobytes() for data in inputs]
