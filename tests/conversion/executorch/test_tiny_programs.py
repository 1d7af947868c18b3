"""What ExecuTorch lowered for each NPU gives the bytes of the TOSA reference model, and a changed byte is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import ToolMissing
from core.progress import to_nobody
from harness.workbench.options import BenchOptions
from harness.workbench.reference import Equality
from harness.workbench.workbench import Workbench
from tests.conversion.executorch.make_tiny import first_kernel
from tests.conversion.executorch.stand_ins import LOWERED, TINY


def equality(program: Path, graph: Path) -> Equality:
    bench = Workbench(BenchOptions(model=program, tosa=graph), to_nobody)
    (case,) = bench.cases()
    try:
        found = bench.executions.equality(case)
    except ToolMissing as error:
        pytest.skip(f"no reference model: {error.found.splitlines()[0]}")
    assert isinstance(found, Equality), found
    return found


@pytest.mark.slow
@pytest.mark.parametrize("npu", ["u55", "u65", "u85"])
def test_every_byte_of_the_lowered_model_is_the_reference_models(npu: str) -> None:
    found = equality(TINY / f"tiny_{npu}.pte", LOWERED["tosa"])
    assert found.images > 0
    assert (found.equal, found.difference) == (found.images, "")


@pytest.mark.slow
def test_one_other_byte_of_a_weight_is_seen(tmp_path: Path) -> None:
    content = bytearray(LOWERED["tosa"].read_bytes())
    changed = tmp_path / "changed.tosa"
    first_weight = content.index(np.ascontiguousarray(first_kernel().transpose(0, 2, 3, 1)).tobytes())
    content[first_weight] ^= 0x40
    changed.write_bytes(content)
    assert "bytes differ" in equality(LOWERED["pte"], changed).difference
