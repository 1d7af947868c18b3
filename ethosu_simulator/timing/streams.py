"""The estimate of each command stream of a file, for what counts them one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ethosu_simulator.timing.estimate import _estimated, _prepared
from ethosu_simulator.timing.memories import MLEK, Memory, memory_for
from ethosu_simulator.timing.result import Estimate


def estimate_streams(path: str | Path, memory: str | Path | Memory = MLEK) -> tuple[Estimate, ...]:
    """The estimates of a file's command streams in its order; SimulatorError as for `estimate`."""
    prepared = _prepared(Path(path))
    memory = memory_for(memory, f"ethos-{prepared.config.product}", prepared.config.macs)
    return tuple(_estimated(replace(prepared, streams=(stream,), estimates={}), memory) for stream in prepared.streams)
