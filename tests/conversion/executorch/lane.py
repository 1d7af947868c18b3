"""Whether ExecuTorch can lower here, in the environment that `make executorch` makes."""

from __future__ import annotations

import pytest

from conversion.executorch.lowering import executorch_python
from core.errors import ToolMissing
from tests.lanes import skip_reason


def require_executorch() -> None:
    """Skips the test, or fails it where the lane is required, when the environment has not been made."""
    if why := skip_reason("executorch", _missing):
        pytest.skip(why)


def _missing() -> str:
    try:
        executorch_python()
    except ToolMissing as error:
        return error.found
    return ""
