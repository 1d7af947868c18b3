"""What all parts of a session share: what was asked for, the NPUs, the data set, and what has been computed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from conversion.compiled_files import compiled_npu, profile_of_stream
from conversion.estimates import memory_of
from conversion.executorch.lowering import LAYOUTS
from conversion.file_kinds import COMPILED, file_kind
from conversion.pipeline import graph_of
from conversion.profile_files import DEFAULT_PROFILE, load_profile
from conversion.steps import Origin, facts_of
from core.errors import EthosBenchError, ModelError, UsageError
from core.progress import Progress
from core.records.checkpoint_facts import CheckpointFacts
from core.records.profile import Profile
from harness.tasks.kinds import task_named, task_of
from harness.tasks.task import AnyTask, DataSet, TaskName
from harness.workbench.memo import Memo
from harness.workbench.options import BenchOptions
from targets.kinds import TargetOptions, preferred_vela

NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]")
"""Letters of a name that would end a part of a build, or break a test's id."""
FRONT_END = "ExecuTorch 1.5.1"
"""What requirements-executorch.lock installs, as it stands in the identity of what was lowered."""
BUILDS: Mapping[str, tuple[str, ...]] = {
    "tflite": ("",),
    "executorch": tuple(f"frontend=executorch+layout={layout}" for layout in LAYOUTS),
}
"""Front end -> the builds that it makes of a model."""


@dataclass(frozen=True)
class Session:
    """The checked options with the Vela that compiles, the profiles by name, and a memory of everything that was computed."""

    options: BenchOptions
    profiles: Mapping[str, Profile]
    progress: Progress
    memo: Memo = field(default_factory=Memo)

    @classmethod
    def of(cls, options: BenchOptions, progress: Progress) -> Session:
        """The session that options ask for; UsageError when no session could do that."""
        options.check()
        profiles = {profile.name: profile for profile in _profiles(options)}
        for profile in profiles.values():
            memory_of(profile, options.memory)
        return cls(replace(options, vela=session_vela(options)), profiles, progress)

    def build(self, profile: str) -> str:
        """How models of this session are built for a profile by its first front end; "" where it is the default way."""
        return self.builds(profile)[0]

    def builds(self, profile: str) -> tuple[str, ...]:
        """Every way in which models of this session are built for a profile."""
        memory = self._memory(profile)
        ways = [way for frontend in dict.fromkeys(self.options.frontends) for way in BUILDS[frontend]]
        return tuple("+".join(filter(None, (way, memory))) for way in ways)

    def _memory(self, profile: str) -> str:
        if not self.options.memory:
            return ""
        own, asked = (memory_of(self.profiles[profile], name) for name in ("", self.options.memory))
        return "" if asked.identity == own.identity else f"memory={NOT_IN_IDS.sub('-', asked.name)}"

    @cached_property
    def task(self) -> AnyTask:
        """What the session's models are for: what was asked for, else what the user's own model is."""
        options, facts = self.options, self._facts
        name: TaskName = options.task or (facts.task if facts else self._own_task())
        return task_named(name, options.preprocess, options.model, facts)

    def _own_task(self) -> TaskName:
        """What the user's own file is for; one that cannot be read fails in its own tests."""
        try:
            return task_of(graph_of(self.options.model)) if self.options.model else "detect"
        except ModelError:
            return "detect"

    @cached_property
    def _facts(self) -> CheckpointFacts | None:
        """What the user's own checkpoint is; one that cannot be loaded fails in its own tests."""
        path = self.options.checkpoint
        try:
            return facts_of(Origin(path.stem, checkpoint=path), self.telling(path.stem)) if path else None
        except EthosBenchError:
            return None

    @cached_property
    def dataset(self) -> DataSet | None:
        """The inputs with their truth that accuracy is measured on."""
        found: DataSet | None = self.task.load(self.options.data, self.options.images) if self.options.data else None
        return found

    def telling(self, name: str) -> Progress:
        """A progress that says which model it is about."""
        return lambda text: self.progress(f"{name}: {text}")


def _profiles(options: BenchOptions) -> list[Profile]:
    """The NPUs that were asked for, else the default one; of a file that is compiled already it is the file's own."""
    if options.model and file_kind(options.model) in COMPILED:
        return [profile_of_stream(options.model, compiled_npu(options.model), options.profiles)]
    return [load_profile(name) for name in options.profiles or (DEFAULT_PROFILE,)]


def session_vela(options: BenchOptions) -> str:
    """The Vela that compiles: --vela, else the one that the session's boards ask for; UsageError when they disagree."""
    if options.vela:
        return options.vela
    seen = TargetOptions.of(options)
    wanted = {spec: preferred_vela(spec, seen) for spec in options.targets}
    if len(set(wanted.values())) > 1:
        said = ", ".join(f"{spec}: {vela or 'the installed one'}" for spec, vela in wanted.items())
        raise UsageError(f"the targets ask for different Velas ({said})", "one Vela in a session", "--vela EXECUTABLE")
    return next(iter(wanted.values()), "")
