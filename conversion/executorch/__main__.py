"""`python -m conversion.executorch` makes the environment of the front end `executorch`, and says where its interpreter is."""

from __future__ import annotations

import sys

from conversion.executorch.lowering import LOCK, NAME
from core.errors import EthosBenchError
from core.tool_environment import tool_python


def main() -> int:
    """0 when the environment is there."""
    try:
        sys.stdout.write(f"{tool_python(NAME, LOCK)}\n")
    except EthosBenchError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
