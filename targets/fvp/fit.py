"""Whether a compiled model fits Arm's inference runner: read from the file, before anything is started."""

from __future__ import annotations

from dataclasses import dataclass

from core.records.artefact import Compilation
from core.records.memory_shortfall import MemoryShortfall
from core.records.profile import Corstone
from ethosu_simulator.container import Container, parse
from targets.fvp.platforms import corstone

RUNTIME_BYTES = 1024
BYTES_PER_TENSOR = 32
BYTES_PER_OPERATOR = 64
"""What TFLite Micro keeps in the arena beside tensors; the runner itself used 456 bytes for 1 operator and 5 tensors."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a compiled file asks of the runner, in bytes: its arena, its on-chip buffer, and space for file, input, output."""

    arena: int
    cache: int
    model: int
    input: int
    output: int


def needs(compilation: Compilation) -> Needs:
    """The needs of a compiled file; `ethosu_simulator.ContainerError` when it is damaged."""
    content = compilation.compiled.path.read_bytes()
    container = parse(content)
    on_chip = compilation.estimate.arena_area == "sram"
    return Needs(
        arena=arena_bytes(container),
        cache=0 if on_chip else compilation.estimate.memory_bytes.get("sram", 0),
        model=len(content),
        input=sum(container.tensors[index].size_bytes for index in container.inputs),
        output=sum(container.tensors[index].size_bytes for index in container.outputs),
    )


def arena_bytes(container: Container) -> int:
    """Bytes of the tensor arena: Vela's plan, tensors that it left to TFLite Micro, and what that keeps for itself."""
    held = [tensor for tensor in container.tensors if not tensor.data]
    planned = max((tensor.offset + tensor.size_bytes for tensor in held if tensor.offset >= 0), default=0)
    unplanned = sum(tensor.size_bytes for tensor in held if tensor.offset < 0)
    own = RUNTIME_BYTES + BYTES_PER_TENSOR * len(container.tensors) + BYTES_PER_OPERATOR * len(container.operators)
    return planned + unplanned + own


def shortfalls(compilation: Compilation, firmware_arena_bytes: int = 0) -> tuple[MemoryShortfall, ...]:
    """Each memory region that is too small; `firmware_arena_bytes` is the arena of a firmware that says it."""
    layout = corstone(compilation.profile)
    need, regions = needs(compilation), _regions(layout, firmware_arena_bytes)
    return tuple(
        MemoryShortfall(what, getattr(need, kind), size) for kind, (what, size) in regions.items() if getattr(need, kind) > size
    )


def _regions(layout: Corstone, firmware_arena_bytes: int) -> dict[str, tuple[str, int]]:
    return {
        "arena": ("the runner's arena", firmware_arena_bytes or layout.arena_bytes),
        "cache": ("the NPU's on-chip buffer", layout.cache_bytes),
        "model": ("the runner's place for the model", layout.model_bytes),
        "input": ("the runner's place for the input", layout.input_bytes),
        "output": ("the runner's place for the output", layout.output_bytes),
    }
