"""The targets of a session: each opened once, when it is first asked for, and held until the session ends."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from core.records.case_key import CaseKey
from harness.workbench.session import Session
from targets.kinds import TargetOptions, open_target
from targets.target import Target


class OpenTargets:
    """Targets by how they were asked for; `journal` is the folder in which samples of boards are kept as they come."""

    def __init__(self, session: Session) -> None:
        self.journal: Path | None = None
        self._session = session
        self._held = ExitStack()

    def close(self) -> None:
        """Let go of every target."""
        self._held.close()

    def of(self, spec: str) -> Target:
        """The open target; TargetUnavailable when it is not there."""
        options = TargetOptions.of(self._session.options, self._session.progress, self.journal)
        return self._session.memo.get(("target", spec), lambda: self._held.enter_context(open_target(spec, options)))

    def require(self, profile: str, spec: str) -> None:
        """Open the target; TargetUnavailable when it, or the engine that was forced for the profile, is not there."""
        self.of(spec).engine(self._session.profiles[profile])

    def engine(self, case: CaseKey) -> str:
        """Which of the target's engines runs a case, "" for targets that have one only."""
        return self.of(case.target).engine(self._session.profiles[case.profile])

    def describe(self, spec: str) -> list[str]:
        """What a target says of each profile of the session, one line each; none for targets that have nothing to choose."""
        described = (self.of(spec).describe(profile) for profile in self._session.profiles.values())
        return [line for line in described if line]
