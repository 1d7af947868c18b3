"""The target `fvp`: a Corstone with an Ethos-U, by one of three engines.

`arm` is Arm's FVP, `qemu` its firmware on QEMU with our NPU beside it, `open` our simulator configured alike.
"""

from __future__ import annotations

import os
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from core.errors import RunError, ToolMissing
from core.records.artefact import Artefact
from core.records.job import Job
from core.records.memory_shortfall import MemoryShortfall
from core.records.profile import Profile
from core.records.run import Run
from ethosu_simulator.errors import SimulatorError
from targets.fvp import qemu
from targets.fvp.arm import ArmFvp
from targets.fvp.discovery import Search, find
from targets.fvp.firmware import Firmware, own_firmware, packaged_firmware
from targets.fvp.fit import shortfalls
from targets.fvp.npu_streams import StreamCache
from targets.fvp.platforms import Platform, platform_of, require_name
from targets.kinds import TargetOptions
from targets.simulator import Simulator
from targets.target import Graph, Target

if TYPE_CHECKING:
    from typing_extensions import Self

Engine = Literal["arm", "qemu", "open"]


@dataclass(frozen=True)
class Choice:
    """The engine of a profile, and what it is or why it was taken."""

    engine: Engine
    why: str


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
    _choices: dict[str, Choice] = field(default_factory=dict)
    _streams: StreamCache = field(default_factory=StreamCache)

    @classmethod
    def from_spec(cls, rest: str, options: TargetOptions) -> Self:
        """The usual platform of each NPU, or the one that `rest` names ("sse-310")."""
        if rest:
            require_name(rest.upper(), f"fvp:{rest}")
        if options.fvp_firmware:
            own_firmware(options.fvp_firmware)
        return cls(f"fvp:{rest}" if rest else "fvp", rest.upper(), options)

    def engine(self, profile: Profile) -> Engine:
        """Which engine runs this profile: the one that was forced, else the first that is there of arm, qemu, open.

        TargetUnavailable when the one that was forced is not there, UsageError when no Corstone carries the NPU.
        """
        return self._choice(profile).engine

    def describe(self, profile: Profile) -> str:
        """One line on what will run a profile, for the header of a session."""
        platform, choice = platform_of(profile, self.asked), self._choice(profile)
        return f"{profile.name} on Corstone {platform.name}: engine {choice.engine}, {choice.why}"

    def _choice(self, profile: Profile) -> Choice:
        if profile.name not in self._choices:
            self._choices[profile.name] = self._forced(profile) if self.options.fvp_engine else self._first(profile)
        return self._choices[profile.name]

    def _forced(self, profile: Profile) -> Choice:
        platform, engine = platform_of(profile, self.asked), self.options.fvp_engine
        if engine == "arm":
            return Choice("arm", str(self._search(profile).require(profile.name)))
        if engine == "qemu":
            qemu.require(platform)
            return Choice("qemu", f"{qemu.said(platform)}: as asked")
        return Choice("open", "our simulator: as asked")

    def _first(self, profile: Profile) -> Choice:
        """The first engine that is there, and what is not there before it."""
        platform, search = platform_of(profile, self.asked), self._search(profile)
        if search.found:
            return Choice("arm", str(search.found))
        no_fvp = f"no {platform.binaries[0]} found (`ethos-bench fvp find`)"
        missing = qemu.missing(platform)
        if not missing:
            try:
                self._firmware(platform)
            except ToolMissing as error:
                missing = error.found
        if missing:
            return Choice("open", f"our simulator: {no_fvp}; {missing}")
        return Choice("qemu", f"{qemu.said(platform)}: {no_fvp}")

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
        engine = self.engine(profile)
        if engine == "arm":
            return self._on_fvp(job, profile)
        problems = self.shortfalls(job.artefact)
        if problems:
            what = job.artefact.compilation.compiled.path.name
            raise RunError(f"`{what}` does not fit: {'; '.join(map(str, problems))}", "a model that fits", "--imgsz auto")
        return self._on_qemu(job, profile) if engine == "qemu" else self._on_simulator(job, profile)

    def _on_fvp(self, job: Job, profile: Profile) -> Run:
        platform = platform_of(profile, self.asked)
        fvp = ArmFvp(
            platform=platform, executable=self._search(profile).require(profile.name), firmware=self._firmware(platform),
            limit_s=self.options.fvp_seconds, progress=self.options.progress,
        )  # fmt: skip
        return fvp.run(job, self.name)

    def _on_qemu(self, job: Job, profile: Profile) -> Run:
        platform = platform_of(profile, self.asked)
        corstone = qemu.QemuCorstone(
            platform=platform, executable=qemu.require(platform), firmware=self._firmware(platform),
            limit_s=self.options.fvp_seconds, progress=self.options.progress, streams=self._streams,
        )  # fmt: skip
        return corstone.run(job, self.name)

    def _on_simulator(self, job: Job, profile: Profile) -> Run:
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
