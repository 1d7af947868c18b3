"""The options of boards: which they are (targets_file.py reads their tables), whom to trust, and what to keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.option_fields import option


@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """What the targets `ssh`, `farm` and `replay` take from the command line."""

    targets_file: Path | None = option(
        "--targets",
        "boards by name ([targets.toml](../reference/targets-toml.md))",
        None,
        metavar="FILE",
        default_text="`targets.toml`",
    )
    trust_on_first_use: bool = option("--trust-on-first-use", "accept the host key of a board that nobody has seen yet", False)
    record: Path | None = option(
        "--record", "keep everything that boards say; `--target replay:DIR` runs from it", None, metavar="DIR"
    )
