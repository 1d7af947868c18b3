"""Does the NPU execute the model, and are its bytes right?"""

from harness.workbench.case import Case


def test_execution(case: Case) -> None:
    """A target that runs the compiled file proves that the NPU executed, and gives the reference's bytes on every image."""
    assert case.proof()
    case.require_execution_proof()
    assert case.equality()
    case.require_equality()
