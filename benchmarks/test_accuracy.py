"""What does int8 cost in mAP?"""

from harness.workbench.case import Case


def test_accuracy(case: Case) -> None:
    """Float and int8 graph are measured on the same images, or the reason why not is kept."""
    assert case.accuracy()
