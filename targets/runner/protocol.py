"""What we and a runner say to each other: one job in, a line of JSON per event out, as it happens.

Standard library and Python 3.8: it is copied to boards with the runner. A recording holds the same events.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Dict, List, Literal, Optional, Type, TypeVar, get_args

Interpreter = Literal["tflite_runtime", "ai_edge_litert"]
RUNTIMES = get_args(Interpreter)
"""Packages with a TFLite interpreter in `.interpreter`, in the order in which they are looked for."""
Runtime = Literal["auto", Interpreter, "benchmark_model"]
"""What a job may ask for: `auto` is the first that is installed, `benchmark_model` TFLite's binary in place of a runner."""

Kernels = Literal["default", "reference"]
"""The runtime's own choice (with XNNPACK where it has it), or its plain reference kernels."""

E = TypeVar("E", bound="Event")


@dataclass(frozen=True)
class Delegate:
    """How operators get to an NPU: the external delegate, its options, and the device node that it opens."""

    path: str
    options: Dict[str, str]
    device: str


@dataclass(frozen=True)
class Stay:
    """A job's terms on a board: the work folder and the job's name there, the limits in seconds, and what may stay."""

    work: str
    job: str
    silence_s: float
    wait_s: float
    keep_bytes: int


@dataclass(frozen=True)
class RunnerJob:
    """Run each input once for its outputs, then the first one `repeats` times after `warmup` more.

    An input is a path of raw bytes for each of the model's input tensors, in its order. `outputs` is the folder for output
    files. Without a delegate the CPU does all the work; `stay` is given on boards only.
    """

    model: str
    inputs: List[List[str]]
    outputs: str
    repeats: int
    warmup: int
    threads: int
    runtime: str
    delegate: Optional[Delegate] = None
    kernels: Kernels = "default"
    stay: Optional[Stay] = None

    def to_json(self) -> str:
        """The job on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunnerJob:
        """The job that `to_json` wrote."""
        content = json.loads(text)
        delegate, stay = content.pop("delegate"), content.pop("stay")
        return cls(delegate=Delegate(**delegate) if delegate else None, stay=Stay(**stay) if stay else None, **content)


@dataclass(frozen=True)
class Event:
    """Something that a runner says. `kind` names it on the line."""

    kind: ClassVar[str] = ""

    def to_json(self) -> Dict[str, Any]:
        """The event as it stands on its line."""
        return {"event": self.kind, **asdict(self)}

    @classmethod
    def of(cls: Type[E], facts: Dict[str, Any]) -> E:
        """The event of a line's facts, those of a newer runner left out; TypeError when one is missing."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in facts.items() if name in known})


@dataclass(frozen=True)
class RuntimeFound(Event):
    """Which TFLite runtime runs the job, on which Python and machine."""

    kind = "runtime"
    name: str
    version: str
    python: str
    machine: str


@dataclass(frozen=True)
class TensorFacts:
    """What is needed to read a tensor's raw bytes."""

    name: str
    shape: List[int]
    dtype: str


@dataclass(frozen=True)
class Loaded(Event):
    """The model file is loaded: its hash, its tensors, and how long that took."""

    kind = "loaded"
    sha256: str
    inputs: List[TensorFacts]
    outputs: List[TensorFacts]
    load_us: Optional[float] = None

    @classmethod
    def of(cls, facts: Dict[str, Any]) -> Loaded:
        """The event with its tensors."""
        sides = [[TensorFacts(**tensor) for tensor in facts[side]] for side in ("inputs", "outputs")]
        return cls(facts["sha256"], sides[0], sides[1], facts.get("load_us"))


@dataclass(frozen=True)
class Delegated(Event):
    """How many operators the file has, the kinds of those that the delegate took over, and of those that it left."""

    kind = "delegated"
    operators: int
    by_delegate: List[str]
    left: List[str]


@dataclass(frozen=True)
class State(Event):
    """How the board is before or after: governor, kHz, m°C of the hottest zone, whether a cooling device works, load."""

    kind = "state"
    when: str
    governor: str
    frequency_khz: int
    temperature_mc: Optional[int]
    throttled: bool
    load: str


@dataclass(frozen=True)
class Output(Event):
    """The files with the raw bytes of every output of one input."""

    kind = "output"
    input: int
    files: List[str]


@dataclass(frozen=True)
class Sample(Event):
    """One inference in microseconds, without pre- and postprocessing."""

    kind = "sample"
    us: float


@dataclass(frozen=True)
class Summary(Event):
    """What `benchmark_model` says of a loop in the place of samples, in microseconds."""

    kind = "summary"
    count: int
    min: float
    avg: float
    first: Optional[float] = None
    max: Optional[float] = None
    std: Optional[float] = None


@dataclass(frozen=True)
class NpuSigns(Event):
    """What the NPU showed of itself: cycle counts, interrupts, what stands at its device path, and that one's driver."""

    kind = "npu"
    counters: List[int]
    interrupts: int
    device: str
    driver: str


@dataclass(frozen=True)
class Done(Event):
    """Everything was done."""

    kind = "done"
    peak_memory_bytes: Optional[int]
    elapsed_us: Optional[float] = None


@dataclass(frozen=True)
class Failed(Event):
    """Why the job ends without results."""

    kind = "error"
    message: str


@dataclass(frozen=True)
class Waiting(Event):
    """Another harness has the board."""

    kind = "waiting"


@dataclass(frozen=True)
class Alive(Event):
    """The supervisor lives, while its job says nothing."""

    kind = "alive"


@dataclass(frozen=True)
class Files(Event):
    """The files that wait to be fetched: their folder, sizes and hashes."""

    kind = "files"
    folder: str
    sizes: Dict[str, int]
    sha256: Dict[str, str]


EVENTS: Dict[str, Type[Event]] = {
    event.kind: event
    for event in (
        RuntimeFound, Loaded, Delegated, State, Output, Sample, Summary, NpuSigns, Done, Failed, Waiting, Alive, Files,
    )
}  # fmt: skip


def written(event: Event) -> str:
    """The line that says an event, without its end."""
    return json.dumps(event.to_json())


def read(line: str) -> Optional[Event]:
    """The event that a line says; None for what is none, such as a library's banner."""
    try:
        facts = json.loads(line)
        return event_of(facts) if isinstance(facts, dict) else None
    except (ValueError, TypeError, KeyError):
        return None


def event_of(facts: Dict[str, Any]) -> Event:
    """The event of a line that has been parsed; KeyError, TypeError or ValueError when it is none."""
    return EVENTS[facts["event"]].of(facts)
