"""How do the documented figures stand against what was found?"""

from pathlib import Path

import pytest

from harness.claims import ClaimFile, read_claims
from harness.records.verdict import Verdict
from harness.workbench.case import Case
from harness.workbench.suite import SuiteCase

NEGATIVE = ("refuted", "fell short")


@pytest.fixture(scope="session")
def claims() -> ClaimFile:
    """Everything the documents claim."""
    return read_claims(Path(__file__).parent / "claims")


def test_claims(case: Case, claims: ClaimFile) -> None:
    """Each documented figure of the variant gets a verdict with both numbers; negative ones fail with --strict-claims."""
    verdicts = case.judge(claims.claims)
    assert not (case.bench.options.strict_claims and negative(verdicts)), negative(verdicts)


def test_statements(suite: SuiteCase, claims: ClaimFile) -> None:
    """Each documented sentence about several variants gets a verdict; negative ones fail with --strict-claims."""
    verdicts = suite.judge(claims.statements)
    assert not (suite.bench.options.strict_claims and negative(verdicts)), negative(verdicts)


def negative(verdicts: list[Verdict]) -> list[str]:
    """The negative verdicts in words."""
    return [f"{v.claim}: {v.outcome} ({v.documented} documented, {v.found} found)" for v in verdicts if v.outcome in NEGATIVE]
