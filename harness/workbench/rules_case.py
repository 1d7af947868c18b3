"""A model judged by a rule set: nothing runs, so a case of rules has no target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from conversion.pipeline import Source
from conversion.published import published_files
from conversion.rules.devices import DEFAULT_RULES, Device, load_rules
from conversion.rules.judgement import Judgement, judged
from conversion.rules.relay_functions import relay_functions
from conversion.rules.splits import split_suggestion
from conversion.variants import BY_NAME
from core.errors import EthosBenchError
from core.files import file_sha256
from core.records.case_key import RULES_TARGET, CaseKey
from core.records.claim import Claim, Statement
from core.records.evidence import Evidence
from core.records.measurement import Measurement
from core.records.verdict import Verdict
from core.tflite.graph import parse
from harness.claims.verdicts import RANKING, Suite, decide, judge
from harness.results.file_names import rules_name
from harness.results.findings import Findings
from harness.workbench.conversions import Conversions
from harness.workbench.models import Models
from harness.workbench.rules_figures import function_figures, rules_figures, rules_subject
from harness.workbench.session import Session

COUNTED_BY = "ethos-n78-1tops-2ple"
"""TVM's default variant: the script behind V3_NPU_analytics never passes the one that it has set."""


class Rulings:
    """Which rule sets judge a session's models, and what they say of them; nothing is judged twice."""

    def __init__(self, session: Session, models: Models, conversions: Conversions) -> None:
        self.session = session
        self.models = models
        self._conversions = conversions

    @property
    def unjudged(self) -> str:
        """Why no rule set judges what this session's front ends make, "" where one does."""
        if "tflite" in self.session.options.frontends:
            return ""
        return "the rules of Ethos-N78 judge layers of TFLite, and this session has TOSA graphs only (--frontend tflite)"

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """The devices that judge every model: those that were asked for, behind the default where documents are judged."""
        if self.unjudged:
            return ()
        named = [DEFAULT_RULES] if set(self.models) & set(BY_NAME) else []
        found = {device.name: device for device in map(load_rules, (*named, *self.session.options.rules))}
        return tuple(found.values())

    @cached_property
    def published(self) -> dict[str, Path]:
        """Model -> the full-integer file that its project published."""
        options = self.session.options
        return dict(published_files(options.published, options.checkpoints, self.models))

    @cached_property
    def counting(self) -> Device:
        """The device of the NPU report's count."""
        return load_rules(COUNTED_BY)

    def cases(self) -> list[CaseKey]:
        """Every model by every device; a published file also by the device that its report counted for."""
        found = [CaseKey(name, "", device.name, RULES_TARGET) for name in self.models for device in self.devices]
        found += [CaseKey(name, "", self.counting.name, RULES_TARGET) for name in self.published]
        return list(dict.fromkeys(found))

    def has(self, claim: Claim) -> bool:
        """Whether one of the cases is what a claim's rules judge."""
        return CaseKey(claim.variant, "", load_rules(claim.rules).name, RULES_TARGET) in self.cases()

    def source(self, name: str) -> Source:
        """A model's int8 file."""
        profile = next(iter(self.session.profiles))
        case = CaseKey(name, "", profile, self.session.options.targets[0])
        return self._conversions.source(case)

    def judgement(self, name: str, device: Device) -> Judgement:
        """What a device takes of a model's int8 file."""
        source = self.source(name)
        key = ("rules", source.int8.sha256, device.name)
        return self.session.memo.get(key, lambda: judged(source.int8.path.read_bytes(), name, device))


@dataclass
class RulesCase:
    """One model by one rule set. Its methods compute figures, keep them as findings and return them."""

    rulings: Rulings
    key: CaseKey
    findings: Findings = field(default_factory=Findings)

    @property
    def device(self) -> Device:
        """The device that judges."""
        return load_rules(self.key.profile) if self.key.profile != self.rulings.counting.name else self.rulings.counting

    def rules(self) -> list[Measurement]:
        """What the rules say of the model: shares and pieces of its int8 file, and the count of its published one."""
        found: list[Measurement] = []
        if self.device in self.rulings.devices:
            found += self._shares()
        if self.device == self.rulings.counting and self.key.variant in self.rulings.published:
            found += self._functions(self.rulings.published[self.key.variant])
        self.findings.records += found
        return found

    def _shares(self) -> list[Measurement]:
        name, device = self.key.variant, self.device
        source, judgement = self.rulings.source(name), self.rulings.judgement(name, device)
        self.findings.texts[rules_name(self.key.model, device.name)] = json.dumps(judgement.to_json(), indent=1)
        weights = source.facts.weights if source.facts else source.graph.weights
        options = {
            "image_size": str(source.image.size if source.image else 0),
            "recipe": source.recipe or "none",
            "cut": self.rulings.session.options.cut,
        }
        subject = rules_subject(self.key, device, weights, source.int8.sha256, options)
        return rules_figures(subject, judgement, split_suggestion(source.int8.path.read_bytes(), name, judgement))

    def _functions(self, path: Path) -> list[Measurement]:
        data = path.read_bytes()
        weights = parse(data, path.name).weights
        subject = rules_subject(self.key, self.device, weights, file_sha256(path), {"file": path.name})
        return function_figures(subject, relay_functions(data, path.name, self.device))

    def judge(self, claims: Sequence[Claim]) -> list[Verdict]:
        """The verdicts on what documents say of this variant on this hardware, kept as findings."""
        own = [one for one in claims if one.variant == self.key.variant and self._judges(one)]
        figures = self.rules() if own else []
        metrics = {figure.metric for figure in figures}
        verdicts = [judge(claim, figures) for claim in own if claim.metric in metrics]
        self.findings.verdicts += verdicts
        return verdicts

    def _judges(self, claim: Claim) -> bool:
        return bool(claim.rules) and load_rules(claim.rules).name == self.key.profile


@dataclass
class RulesSuite:
    """All variants by one device, for statements that compare them."""

    rulings: Rulings
    device: Device
    findings: Findings = field(default_factory=Findings)

    def judge(self, statements: Iterable[Statement]) -> list[Verdict]:
        """The verdicts on documented sentences that this device judges; none when no documented model is in the session."""
        own = [one for one in statements if one.rules and load_rules(one.rules).name == self.device.name]
        if not own or not set(RANKING) & set(self.rulings.models):
            return []
        suite = self._suite()
        verdicts = [decide(statement, suite) for statement in own]
        self.findings.verdicts += verdicts
        return verdicts

    def _suite(self) -> Suite:
        judgements: dict[str, Judgement] = {}
        failures: dict[str, str] = {}
        for name in self.rulings.models:
            try:
                judgements[name] = self.rulings.judgement(name, self.device)
            except EthosBenchError as error:
                failures[name] = error.found

        def shares(of: Callable[[Judgement], float]) -> dict[str, float]:
            return {name: of(judgement) for name, judgement in judgements.items()}

        return Suite(
            profile=self.device.name,
            target=RULES_TARGET,
            shares=shares(lambda one: one.operator_share),
            memory_bytes={},
            weights={},
            failures=failures,
            evidence=Evidence.RULES,
            mac_shares=shares(lambda one: one.mac_share),
            layer_shares=shares(lambda one: one.layers[0] / max(one.layers[1], 1)),
        )
