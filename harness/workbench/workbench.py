"""A session's engine: models, conversions, executions and accuracy, each thing computed once and when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from core.progress import Progress
from core.records.case_key import CaseKey
from core.records.profile import Profile
from harness.workbench.accuracies import Accuracies
from harness.workbench.conversions import Conversions
from harness.workbench.estimates import Estimates
from harness.workbench.executions import Executions
from harness.workbench.models import Models
from harness.workbench.open_targets import OpenTargets
from harness.workbench.options import BenchOptions
from harness.workbench.rules_case import Rulings
from harness.workbench.session import Session


class Workbench:
    """Everything a session can ask of its models; errors are kept, so that a model that failed fails at once the next time."""

    def __init__(self, options: BenchOptions, progress: Progress) -> None:
        self.session = Session.of(options, progress)
        self.models = Models(self.session)
        self.targets = OpenTargets(self.session)
        self.conversions = Conversions(self.session, self.models, self.targets)
        self.estimates = Estimates(self.session, self.conversions)
        self.rulings = Rulings(self.session, self.models, self.conversions)
        self.executions = Executions(self.session, self.models, self.targets, self.conversions)
        self.accuracy = Accuracies(self.session, self.models, self.targets, self.conversions, self.executions)

    def close(self) -> None:
        """Let go of every target."""
        self.targets.close()

    @property
    def options(self) -> BenchOptions:
        """What was asked for, with the Vela that compiles."""
        return self.session.options

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """The NPUs by name."""
        return self.session.profiles

    def cases(self) -> list[CaseKey]:
        """Every model on every profile and target, in the order in which they are tested."""
        return [
            CaseKey(name, build, profile, target)
            for name in self.models
            for profile, target in self.places()
            for build in self.session.builds(profile)
        ]

    def case(self, variant: str, profile: str, target: str) -> CaseKey:
        """The case of a model on a profile and a target, in the build of this session's first front end."""
        return CaseKey(variant, self.session.build(profile), profile, target)

    def places(self) -> list[tuple[str, str]]:
        """Every (profile, target), for statements about all models there."""
        return [(profile, target) for profile in self.profiles for target in self.options.targets]
