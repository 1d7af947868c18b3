"""The production code of the checkout: what the gates on its shape look at."""

from __future__ import annotations

import subprocess
from pathlib import Path

from core.code_identity import OURS
from tests.checkout import CHECKOUT


def modules() -> list[Path]:
    """Every committed or new source file of our packages, relative to the checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    paths = [Path(name) for name in listed if Path(name).parts[0] in OURS]
    return sorted(path for path in paths if (CHECKOUT / path).is_file())


def dotted(path: Path) -> str:
    """The name that an import gives a source file."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
