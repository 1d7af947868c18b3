"""How much of the model does Vela put on the NPU?"""

from harness.workbench.case import Case


def test_offload(case: Case) -> None:
    """Every source operator is placed, and the placement agrees with the compiled file."""
    assert case.offload()
