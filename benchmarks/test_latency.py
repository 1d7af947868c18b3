"""How long does one inference take?"""

from harness.records.unavailable import Unavailable
from harness.workbench.case import Case


def test_latency(case: Case) -> None:
    """Every sample that was asked for is there, or the target says why it has none."""
    run = case.execution()
    assert isinstance(run.latency_us, Unavailable) or len(run.latency_us) == case.bench.options.repeats
