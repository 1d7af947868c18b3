"""What a reader should know of how a file was compiled."""

from __future__ import annotations

from conversion.requantisation import requantisation_findings
from core.records.artefact import Compilation


def compilation_findings(compilation: Compilation) -> tuple[str, ...]:
    """Sentences; empty when the file itself was compiled as Vela is called by itself."""
    return (*requantisation_findings(compilation), *_moved_constants(compilation))


def _moved_constants(compilation: Compilation) -> tuple[str, ...]:
    if not compilation.moved_constants:
        return ()
    return (
        f"{compilation.moved_constants} constants of the file lie behind its flatbuffer, where Vela "
        f"{compilation.vela_version} reads them as empty, leaves their operators to the CPU and writes a file without their "
        "weights. It was given a copy that has them inside; by itself this file needs Vela 5.0 or newer",
    )
