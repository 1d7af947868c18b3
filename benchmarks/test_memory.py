"""Does the model fit the platform's memories?"""

from harness.workbench.case import Case


def test_memory(case: Case) -> None:
    """Arena and constants are held against the profile's budget; not fitting is a result, not a failure."""
    assert case.memory()
