"""How do the documented figures stand against what was found?"""

from pathlib import Path

import pytest

from core.errors import ClaimNotMet
from core.records.verdict import Verdict
from harness.claims.claim_files import ClaimFile, read_claims
from harness.workbench.case import Case
from harness.workbench.rules_case import RulesCase, RulesSuite
from harness.workbench.suite import AllModels

NEGATIVE = ("refuted", "fell short")


@pytest.fixture(scope="session")
def claims() -> ClaimFile:
    """Everything the documents claim."""
    return read_claims(Path(__file__).parent / "claims")


def test_claims(case: Case, claims: ClaimFile) -> None:
    """Each documented figure of the variant gets a verdict with both numbers; negative ones fail with --strict-claims."""
    require_met(case.judge(claims.claims), strict=case.bench.options.strict_claims)


def test_statements(suite: AllModels, claims: ClaimFile) -> None:
    """Each documented sentence about several variants gets a verdict; negative ones fail with --strict-claims."""
    require_met(suite.judge(claims.statements), strict=suite.bench.options.strict_claims)


def test_claims_by_rules(rules_case: RulesCase, claims: ClaimFile) -> None:
    """Each documented figure of the variant, judged by the rules of the hardware that its document names."""
    require_met(rules_case.judge(claims.claims), strict=rules_case.rulings.session.options.strict_claims)


def test_statements_by_rules(rules_suite: RulesSuite, claims: ClaimFile) -> None:
    """Each documented sentence about that hardware, judged by its rules."""
    require_met(rules_suite.judge(claims.statements), strict=rules_suite.rulings.session.options.strict_claims)


def require_met(verdicts: list[Verdict], *, strict: bool) -> None:
    """Raise ClaimNotMet with every negative verdict in words, when that is wanted."""
    negative = [
        f"{v.claim}: {v.outcome} ({v.documented} documented, {v.found} found)" for v in verdicts if v.outcome in NEGATIVE
    ]
    if strict and negative:
        raise ClaimNotMet("; ".join(negative), "every claim confirmed or exceeded, as --strict-claims asks for")
