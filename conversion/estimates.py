"""Estimates of compiled files by our own cycle model, from the cache: one entry per file and memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from core.cache import entry
from core.errors import UsageError
from core.progress import Progress, on_stderr
from core.records.artefact import Compilation
from core.records.profile import Profile
from core.records.unavailable import Unavailable

if TYPE_CHECKING:
    from ethosu_simulator.timing import Estimate, Memory

FILE = "estimate.json"
MEMORY_HINT = "--memory mlek"


@dataclass(frozen=True)
class Estimation:
    """What our cycle model says of a compiled file on a memory, or why it says nothing; `memory` is its name with a digest."""

    memory: str
    found: Estimate | Unavailable


def memory_of(profile: Profile, asked: str = "") -> Memory:
    """The memory that estimates of a profile are made for: `asked` (a name or a TOML file), else the profile's own.

    UsageError when there is no such memory, or it is for another NPU.
    """
    from ethosu_simulator.timing import MemoryFileError, memory_for  # numba, which few commands need

    try:
        return memory_for(asked or profile.timing_memory, profile.npu, profile.macs)
    except MemoryFileError as error:
        raise UsageError(str(error), f"a memory for {profile.accelerator_config}", MEMORY_HINT) from error


def estimated(compilation: Compilation, asked: str = "", tell: Progress = on_stderr) -> Estimation:
    """Our estimate of a compilation on the memory that was asked for, "" for the profile's."""
    memory = memory_of(compilation.profile, asked)
    if compilation.nothing_on_the_npu:
        return Estimation(memory.identity, compilation.nothing_on_the_npu)
    compiled = compilation.compiled

    def make(folder: Path) -> None:
        (folder / FILE).write_bytes(_answer(compiled.path, memory))

    parts = {"compiled": compiled.sha256, "memory": memory.identity}
    text = (entry("estimate", parts, make, tell=tell) / FILE).read_bytes()
    return Estimation(memory.identity, _kept().validate_json(text))


def _answer(path: Path, memory: Memory) -> bytes:
    """The estimate of a file as JSON, or the reason for none."""
    from ethosu_simulator import SimulatorError
    from ethosu_simulator.timing import MemoryFileError, estimate

    try:
        return _kept().dump_json(estimate(path, memory))
    except MemoryFileError as error:
        raise UsageError(str(error), "a memory with a place for every region of the stream", MEMORY_HINT) from error
    except SimulatorError as error:
        return _kept().dump_json(Unavailable(f"our cycle model does not estimate it: {error}"))


def _kept() -> TypeAdapter[Estimate | Unavailable]:
    from ethosu_simulator.timing import Estimate

    return TypeAdapter(Estimate | Unavailable)
