"""Is each model what its name says?"""

from harness.workbench.case import Case


def test_identity(case: Case) -> None:
    """The activation in the graph is the one that the name promises; equal models are reported."""
    assert case.identity()
