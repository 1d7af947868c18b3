"""Holds documented claims against figures. A figure is judged under its own metric, and both numbers are always shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from core.records.claim import Claim, Statement
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.unavailable import Unavailable
from core.records.verdict import Outcome, Verdict

ROUNDING = 1e-9
DIGEST = 16
"""How much of a digest is shown."""
RANKING = ("level4_leaky", "level4_relu", "level3_leaky", "level3_relu", "level2_leaky", "level2_relu")
FOUR_GIGABYTES = 4_000_000_000


def judge(claim: Claim, figures: Sequence[Measurement]) -> Verdict:
    """The verdict on a documented figure, from the figures of one variant, profile and target.

    Confirmed when ours is within the claim's tolerance (0.5 points for percentages), exceeded above, fell short below.
    """
    wanted = [figure for figure in figures if figure.metric == claim.metric and figure.graph == claim.graph]
    if not wanted:
        return _verdict(claim, figures[0], "no figure", "not part of this run", None)
    figure = wanted[0]
    if isinstance(figure.value, Unavailable):
        return _verdict(claim, figure, "no figure", figure.value.reason, None)
    found = float(figure.value)
    difference = found - claim.value
    if departure := _departure(claim, figure):
        claim = replace(claim, comparability="none", why=departure)
    return _verdict(claim, figure, _outcome(claim, difference), found, difference)


def _departure(claim: Claim, figure: Measurement) -> str:
    """The first of the claim's conditions that our figure was not taken under; "" when there is none."""
    for option, documented in claim.conditions.items():
        ours = figure.identity.options.get(option, "not known")
        if ours != documented:
            return f"documented for {option} {documented[:DIGEST]}, ours is for {ours[:DIGEST]}"
    return ""


def _of_operators(claim: Claim, figure: Measurement) -> str:
    """Why ours is the same quantity or not, with whose operators a lowered model's are."""
    front_end = figure.identity.options.get("frontend")
    if not front_end or not claim.metric.startswith("npu_"):
        return claim.why
    return f"{claim.why}; the source operators of this build are those of the TOSA graph that {front_end} lowered"


def _outcome(claim: Claim, difference: float) -> Outcome:
    if claim.comparability == "none":
        return "not comparable"
    if abs(difference) <= claim.tolerance + ROUNDING:
        return "confirmed"
    return "exceeded" if difference > 0 else "fell short"


def _verdict(claim: Claim, figure: Measurement, outcome: Outcome, found: float | str, difference: float | None) -> Verdict:
    missing = isinstance(found, str)
    return Verdict(
        claim=claim.id,
        variant=claim.variant,
        profile=figure.profile,
        target=figure.target,
        text=f"{claim.metric} = {claim.value} ({claim.counts})",
        outcome=outcome,
        comparability=claim.comparability,
        why=_of_operators(claim, figure),
        documented=claim.value,
        found="none" if missing else found,
        difference=difference,
        unit=claim.unit,
        evidence=figure.evidence,
        document=claim.document.name,
        note=found if isinstance(found, str) else "",
        build=figure.build,
        metric=claim.metric,
        graph=claim.graph,
        provenance=claim.provenance,
    )


@dataclass(frozen=True)
class Suite:
    """What one profile and target say of all variants together, for statements that compare them.

    `build` is the one that all of them were made in. `shares` maps a variant to its share of operators on the NPU,
    `memory_bytes` to what its compiled file needs in all memories, `weights` to the fingerprint of its weights; a variant that
    could not be converted or compiled is in `failures` with the reason, one that was not asked for or has no file nowhere.
    `base` is the plain model's name. A rule set has shares of MACs and of layers beside those of operators, and no memory.
    """

    profile: str
    target: str
    shares: Mapping[str, float]
    memory_bytes: Mapping[str, int]
    weights: Mapping[str, str]
    failures: Mapping[str, str]
    base: str = "base_silu"
    evidence: Evidence = Evidence.COMPILED
    mac_shares: Mapping[str, float] = field(default_factory=dict)
    layer_shares: Mapping[str, float] = field(default_factory=dict)
    build: str = ""


@dataclass(frozen=True)
class Finding:
    """What a rule found: whether the statement holds (None when it cannot be decided), and the numbers behind it."""

    holds: bool | None
    documented: str
    found: str


def decide(statement: Statement, suite: Suite) -> Verdict:
    """The verdict on a documented sentence."""
    finding = RULES[statement.rule](suite)
    outcome: Outcome = "no figure" if finding.holds is None else "confirmed" if finding.holds else "refuted"
    if statement.comparability == "none":
        outcome = "not comparable"
    return Verdict(
        claim=statement.id,
        variant="all",
        profile=suite.profile,
        target=suite.target,
        text=statement.text,
        outcome=outcome,
        comparability=statement.comparability,
        why=statement.why,
        documented=finding.documented,
        found=finding.found,
        difference=None,
        unit="",
        evidence=suite.evidence,
        document=statement.document.name,
        build=suite.build,
        provenance=statement.provenance,
    )


def _leaky_two_points_above_relu(suite: Suite) -> Finding:
    """Leaky minus ReLU, level by level, in points of the operators on the NPU."""
    gains = _gains(suite.shares)
    holds = all(abs(gain - 2) <= 0.5 + ROUNDING for gain in gains.values()) if len(gains) == 3 else None
    if not gains:
        return Finding(holds, "+2.0 points on each level", "no level has both")
    found = f"{_listed(gains)} points"
    if suite.layer_shares:
        by_layers = _listed(_gains(suite.layer_shares))
        found += (
            f" of operators, an effect of counting: a fused ReLU is no operator, a LEAKY_RELU is one; by layers {by_layers}"
        )
    return Finding(holds, "+2.0 points on each level", found)


def _gains(shares: Mapping[str, float]) -> dict[int, float]:
    """Level -> Leaky minus ReLU in points, where both are there."""
    pairs = {level: (f"level{level}_leaky", f"level{level}_relu") for level in (2, 3, 4)}
    return {
        level: 100 * (shares[leaky] - shares[relu])
        for level, (leaky, relu) in pairs.items()
        if leaky in shares and relu in shares
    }


def _listed(gains: Mapping[int, float]) -> str:
    return ", ".join(f"L{level} {gain:+.1f}" for level, gain in gains.items())


def _documented_ranking(suite: Suite) -> Finding:
    """Whether the shares fall strictly in the documented order."""
    shares = [(name, suite.shares[name]) for name in RANKING if name in suite.shares]
    found = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares)
    holds = all(above[1] > below[1] for above, below in pairwise(shares)) if len(shares) == len(RANKING) else None
    return Finding(holds, " > ".join(RANKING), found or "no shares")


def _level4_differs_from_level3(suite: Suite) -> Finding:
    """Whether graph and weights of level 4 differ from level 3 of the same activation."""
    pairs = {
        kind: suite.weights[f"level4_{kind}"] != suite.weights[f"level3_{kind}"]
        for kind in ("relu", "leaky")
        if f"level4_{kind}" in suite.weights and f"level3_{kind}" in suite.weights
    }
    words = {True: "differs from", False: "is"}
    found = ", ".join(f"level4_{kind} {words[differs]} level3_{kind}" for kind, differs in pairs.items())
    return Finding(all(pairs.values()) if pairs else None, "level 4 differs from level 3", found or "levels missing")


def _variants_above_base(suite: Suite) -> Finding:
    """Whether every variant's share is above the plain model's."""
    base = suite.shares.get(suite.base)
    variants = [share for name, share in suite.shares.items() if name in RANKING]
    if base is None or not variants:
        return Finding(None, "every variant above the original", "the base model or the variants are missing")
    found = f"{suite.base} {100 * base:.1f} %, variants {100 * min(variants):.1f} to {100 * max(variants):.1f} %"
    macs = [share for name, share in suite.mac_shares.items() if name in RANKING]
    if suite.base in suite.mac_shares and macs:
        own = suite.mac_shares[suite.base]
        word = "true" if min(macs) > own else "not true either"
        found += f" of operators; {word} by MACs: {100 * own:.2f} % against {100 * min(macs):.2f} to {100 * max(macs):.2f} %"
    return Finding(min(variants) > base, "every variant above the original", found)


def _needs_four_gigabytes(suite: Suite) -> Finding:
    """Whether any variant needs 4 GB in all of its memories together."""
    needs = [need for name, need in suite.memory_bytes.items() if name in RANKING]
    if not needs:
        return Finding(None, "at least 4 GB", "no variant compiled")
    return Finding(max(needs) >= FOUR_GIGABYTES, "at least 4 GB", f"at most {max(needs) / 1e6:.1f} MB")


def _level2_leaky_does_not_compile(suite: Suite) -> Finding:
    """Whether level2_leaky fails to convert or compile."""
    if "level2_leaky" in suite.failures:
        return Finding(True, "failed", f"failed: {suite.failures['level2_leaky']}")
    if "level2_leaky" not in suite.shares:
        return Finding(None, "failed", "not part of this run")
    return Finding(False, "failed", f"compiled, {100 * suite.shares['level2_leaky']:.1f} % of operators on the NPU")


RULES: Mapping[str, Callable[[Suite], Finding]] = {
    "leaky_two_points_above_relu": _leaky_two_points_above_relu,
    "documented_ranking": _documented_ranking,
    "level4_differs_from_level3": _level4_differs_from_level3,
    "variants_above_base": _variants_above_base,
    "needs_four_gigabytes": _needs_four_gigabytes,
    "level2_leaky_does_not_compile": _level2_leaky_does_not_compile,
}
