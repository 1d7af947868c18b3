"""What a figure is about: a model in one build, on one NPU, run in one place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

RULES_TARGET = "rules"
"""The target of figures that a rule set gave: their profile is the rules profile, and nothing ran anywhere."""


@dataclass(frozen=True)
class CaseKey:
    """One case of a run. `build` is "" for the default, else sorted `key=value` joined by `+` ("imgsz=320+vela=5.0.0").

    `profile` names the NPU with its memories, `target` what ran it.
    """

    variant: str
    build: str
    profile: str
    target: str

    @cached_property
    def model(self) -> str:
        """The variant with its build behind it: "level3_relu", "level3_relu~imgsz=320"."""
        return f"{self.variant}~{self.build}" if self.build else self.variant

    @property
    def choices(self) -> dict[str, str]:
        """The build as its keys and values."""
        return dict(part.split("=", 1) for part in self.build.split("+") if "=" in part)

    @property
    def of_rules(self) -> bool:
        """Whether its figures are a rule set's."""
        return self.target == RULES_TARGET

    @property
    def place(self) -> tuple[str, str]:
        """(profile, target): the same for every model that is held against another one there."""
        return self.profile, self.target

    def __str__(self) -> str:
        """The case as it stands in brackets in the id of its tests."""
        return f"{self.model}-{self.profile}-{self.target}"
