"""The target `fvp`: a Corstone with an Ethos-U, by Arm's FVP (engine `arm`) or by our simulator configured alike (`open`)."""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from core.errors import RunError
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.memory_shortfall import MemoryShortfall
from core.records.profile import Profile
from core.records.run import Run
from ethosu_simulator.errors import SimulatorError
from targets.fvp.arm import ArmFvp
from targets.fvp.discovery import Search, find
from targets.fvp.firmware import Firmware, own_firmware, packaged_firmware
from targets.fvp.fit import shortfalls
from targets.fvp.platforms import Platform, platform_of, require_name
from targets.kinds import TargetOptions
from targets.simulator import Simulator
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self

Engine = Literal["arm", "open"]


@dataclass
class Fvp(Target):
    """Chooses an engine for each profile, once, and says which; nothing falls from one to the other during a session."""

    must_fit: ClassVar[bool] = True
    name: str
    asked: str
    options: TargetOptions
    _: KW_ONLY
    graph: Graph = "npu"
    _searches: dict[str, Search] = field(default_factory=dict)

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The usual platform of each NPU, or the one that `rest` names ("sse-310")."""
        if rest:
            require_name(rest.upper(), f"fvp:{rest}")
        if options.fvp_firmware:
            own_firmware(options.fvp_firmware)
        return cls(f"fvp:{rest}" if rest else "fvp", rest.upper(), options)

    def engine(self, profile: Profile) -> Engine:
        """Which engine runs this profile: the one that was forced, else Arm's FVP where there is one.

        TargetUnavailable when `arm` was forced and no executable is found, UsageError when no Corstone carries the NPU.
        """
        search = self._search(profile)
        if self.options.fvp_engine == "arm":
            search.require(profile.name)
        if self.options.fvp_engine in ("arm", "open"):
            return "arm" if self.options.fvp_engine == "arm" else "open"
        return "arm" if search.found else "open"

    def describe(self, profile: Profile) -> str:
        """One line on what will run a profile, for the header of a session."""
        platform, search = platform_of(profile, self.asked), self._search(profile)
        where = f"{profile.name} on Corstone {platform.name}"
        if self.engine(profile) == "arm":
            return f"{where}: engine arm, {search.found}"
        why = "as asked" if self.options.fvp_engine else f"no {platform.binaries[0]} found (`ethos-bench fvp find`)"
        return f"{where}: engine open, our simulator: {why}"

    def shortfalls(self, artefact: Artefact) -> tuple[MemoryShortfall, ...]:
        """Each memory region of the platform that is too small for a model; empty when it fits."""
        compilation = artefact.compilation
        own = self.options.fvp_firmware
        arena = self._firmware(platform_of(compilation.profile, self.asked)).arena_bytes if own else 0
        try:
            return shortfalls(compilation, arena)
        except SimulatorError as error:
            raise RunError(f"`{compilation.compiled.path}` is no compiled TFLite file: {error}") from error

    def run(self, job: Job) -> Run:
        """The job on the profile's engine."""
        profile = job.artefact.compilation.profile
        return self._on_fvp(job, profile) if self.engine(profile) == "arm" else self._on_simulator(job, profile)

    def _on_fvp(self, job: Job, profile: Profile) -> Run:
        platform = platform_of(profile, self.asked)
        fvp = ArmFvp(
            platform=platform, executable=self._search(profile).require(profile.name), firmware=self._firmware(platform),
            limit_s=self.options.fvp_seconds, progress=self.options.progress,
        )  # fmt: skip
        return fvp.run(job, self.name)

    def _on_simulator(self, job: Job, profile: Profile) -> Run:
        problems = self.shortfalls(job.artefact)
        if problems:
            what = job.artefact.compilation.compiled.path.name
            raise RunError(f"`{what}` does not fit: {'; '.join(map(str, problems))}", "a model that fits", "--imgsz auto")
        with Simulator(progress=self.options.progress, name=self.name) as simulator:
            run = simulator.run(job)
        platform = platform_of(profile, self.asked)
        return replace(run, fingerprint={**run.fingerprint, "engine": "open", "platform": platform.name})

    def _search(self, profile: Profile) -> Search:
        if profile.name not in self._searches:
            self._searches[profile.name] = find(platform_of(profile, self.asked), self.options.fvp, os.environ)
        return self._searches[profile.name]

    def _firmware(self, platform: Platform) -> Firmware:
        own = self.options.fvp_firmware
        return own_firmware(own) if own else packaged_firmware(platform)
