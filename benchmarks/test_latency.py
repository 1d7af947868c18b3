"""How long does one inference take?"""

from core.records.unavailable import Unavailable
from harness.workbench.case import Case


def test_latency(case: Case) -> None:
    """Every sample that was asked for is there, or the target says why it has none; what does not fit is not run."""
    run = case.execution()
    samples = run if isinstance(run, Unavailable) else run.latency_us
    assert isinstance(samples, Unavailable) or len(samples) == case.bench.options.repeats
