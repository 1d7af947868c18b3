"""What published counts cover: on anything else an estimate says that it is not validated, and why."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ethosu_simulator.operations import Computation, Dma, Matmul, Operation, Resize, Windowed
from ethosu_simulator.timing.memories import shipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ethosu_simulator.command_stream import NpuConfig
    from ethosu_simulator.timing.memories import Memory

ERRORS = Path(__file__).parent / "errors.json"
FEW_OPERATIONS = 3
COVERED = {
    ("ethos-u55", "mlek"): (32, 64, 128, 256),
    ("ethos-u55", "mlek-off"): (32, 64, 128, 256),
    ("ethos-u65", "mlek"): (256, 512),
    ("ethos-u65", "mlek-off"): (256, 512),
    ("ethos-u85", "mlek"): (128, 256, 512),
}
SINGLE_LAYERS = ("ethos-u85", 256)


def validation(config: NpuConfig, memory: Memory, operations: Sequence[Operation]) -> tuple[bool, str]:
    """(whether published counts cover it, why not)."""
    npu, computations = f"ethos-{config.product}", [one for one in operations if isinstance(one, Computation)]
    if memory not in shipped() or config.macs not in COVERED.get((npu, memory.name), ()):
        return False, f"no published count for {npu}-{config.macs} on memory `{memory.name}`"
    wide = [one for one in computations if isinstance(one, Windowed) and one.ifm.bits > 8]
    if wide:
        return False, f"{wide[0].opcode} on {wide[0].ifm.bits}-bit feature maps: published counts are of 8-bit networks"
    odd = [one for one in computations if isinstance(one, (Matmul, Resize))]
    odd_dma = [one for one in operations if isinstance(one, Dma) and (one.index or one.stride_mode != "D1")]
    for one in (*odd, *odd_dma):
        return False, f"{one.opcode} of a kind that no published count covers"
    if len(computations) < FEW_OPERATIONS and (npu, config.macs) != SINGLE_LAYERS:
        return False, f"{len(computations)} operations: single layers have published counts on {SINGLE_LAYERS[0]}-256 only"
    return True, ""


@cache
def stated_errors() -> dict[str, Any]:
    """The error by product and size as `python -m benchmarks.studies.timing` measured it: {"ethos-u55-32": {"mlek": {...}}}."""
    if not ERRORS.exists():
        return {}
    content: dict[str, Any] = json.loads(ERRORS.read_text("utf-8"))
    return content


def stated(npu: str, memory: str, why_not: str) -> str:
    """How far an estimate goes, in words; `why_not` is what `validation` said, "" where published counts cover it."""
    if why_not:
        return f"not validated: {why_not}"
    error = stated_errors().get(npu, {}).get(memory)
    if error is None:
        return f"not validated: no error is stated for {npu} on memory `{memory}`"
    of = f"{error['networks']} published networks on Arm's FVP"
    return f"mean error {error['mean']:.1%}, largest {error['largest']:.1%} over {of}; not validated on silicon"
