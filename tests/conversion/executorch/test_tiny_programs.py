"""What ExecuTorch lowered for each NPU gives the bytes of the TOSA reference model, and a changed byte is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ToolMissing
from core.progress import to_nobody
from harness.workbench.options import BenchOptions
from harness.workbench.reference import Equality
from harness.workbench.workbench import Workbench
from tests.conversion.executorch.make_tiny import first_kernel
from tests.conversion.executorch.stand_ins import LOWERED, TINY


def equality(**options: Any) -> Equality:
    bench = Workbench(BenchOptions(**options), to_nobody)
    (case,) = bench.cases()
    try:
        found = bench.executions.equality(case)
    except ToolMissing as error:
        pytest.skip(f"no reference model: {error.found.splitlines()[0]}")
    assert isinstance(found, Equality), found
    return found


def with_another_weight(graph: Path, changed: Path) -> Path:
    """A copy of the tiny model's graph in which one byte of its first layer's weights is another."""
    content = bytearray(graph.read_bytes())
    first_weight = content.index(np.ascontiguousarray(first_kernel().transpose(0, 2, 3, 1)).tobytes())
    content[first_weight] ^= 0x40
    changed.write_bytes(content)
    return changed


@pytest.mark.slow
@pytest.mark.parametrize("npu", ["u55", "u65", "u85"])
def test_every_byte_of_the_lowered_model_is_the_reference_models(npu: str) -> None:
    found = equality(model=TINY / f"tiny_{npu}.pte", tosa=LOWERED["tosa"])
    assert found.images > 0
    assert (found.equal, found.difference) == (found.images, "")


@pytest.mark.slow
def test_one_other_byte_of_a_weight_is_seen(tmp_path: Path) -> None:
    changed = with_another_weight(LOWERED["tosa"], tmp_path / "changed.tosa")
    assert "bytes differ" in equality(model=LOWERED["pte"], tosa=changed).difference
