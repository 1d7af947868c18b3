"""The options of the target `fvp`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.option_fields import option


@dataclass(frozen=True, kw_only=True)
class FvpOptions:
    """Which engine runs, and with what; an engine "" means the first that is there: Arm's FVP, QEMU, our simulator."""

    fvp_engine: Literal["", "arm", "qemu", "open"] = option(
        "--fvp-engine",
        "target `fvp`: force an engine, Arm's FVP, its firmware on QEMU, or our simulator ([guide](../guides/fvp.md))",
        "",
        default_text="the first that is there",
    )
    fvp: Path | None = option(
        "--fvp",
        "target `fvp`: an executable or the folder of an installation, and no other place",
        None,
        metavar="PATH",
        default_text="search",
    )
    fvp_firmware: Path | None = option(
        "--fvp-firmware",
        "target `fvp`: a runner of your own",
        None,
        metavar="FILE",
        default_text="Arm's prebuilt runner",
    )
    fvp_seconds: int = option("--fvp-seconds", "target `fvp`: longest time of one start", 900, metavar="N", least=1)
