"""How much of the model does Vela put on the NPU, and what does the run prove?"""

from harness.workbench.case import Case


def test_offload(case: Case) -> None:
    """Every source operator is placed, the placement agrees with the compiled file, and an NPU target proves execution."""
    assert case.offload()
    case.require_execution_proof()
