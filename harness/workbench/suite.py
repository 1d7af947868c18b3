"""All variants on one profile and target, for statements that compare them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.errors import CompileError, ConversionError, EthosBenchError
from core.records.case_key import CaseKey
from core.records.claim import Statement
from core.records.evidence import Evidence
from core.records.verdict import Verdict
from harness.claims.verdicts import RANKING, Suite, decide
from harness.results.findings import Findings
from harness.workbench.workbench import Workbench


@dataclass
class AllModels:
    """What statements about several variants of one build are decided on; variants that failed are part of the answer."""

    bench: Workbench
    profile: str
    target: str
    build: str = ""
    findings: Findings = field(default_factory=Findings)

    def judge(self, statements: Sequence[Statement]) -> list[Verdict]:
        """The verdicts on documented sentences, kept as findings; none when no documented model is in the session."""
        if not set(RANKING) & set(self.bench.models):
            return []
        suite = self._suite()
        verdicts = [decide(statement, suite) for statement in statements if not statement.rules]
        if why := self.bench.rulings.unjudged:
            nothing = replace(suite, shares={}, memory_bytes={}, weights={}, failures={}, evidence=Evidence.RULES)
            verdicts += [replace(decide(one, nothing), note=why) for one in statements if one.rules]
        self.findings.verdicts += verdicts
        return verdicts

    def _suite(self) -> Suite:
        shares: dict[str, float] = {}
        memory: dict[str, int] = {}
        weights: dict[str, str] = {}
        failures: dict[str, str] = {}
        for name in self.bench.models:
            try:
                fingerprint = self.bench.models.weights(name)
                key = CaseKey(name, self.build, self.profile, self.target)
                compilation = self.bench.conversions.artefact(key).compilation
            except (ConversionError, CompileError) as error:
                failures[name] = error.found
                continue
            except EthosBenchError:
                continue  # a checkpoint that is missing says nothing about whether it would convert
            shares[name] = compilation.placement.operator_share
            weights[name] = fingerprint
            memory[name] = sum(compilation.estimate.memory_bytes.values())
        target = self.bench.targets.of(self.target).recorded_as
        return Suite(
            profile=self.profile,
            target=target,
            shares=shares,
            memory_bytes=memory,
            weights=weights,
            failures=failures,
            build=self.build,
        )
