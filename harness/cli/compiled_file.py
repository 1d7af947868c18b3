"""What an ExecuTorch program or a raw npz of Vela's holds: facts of the streams in it, which need no compiler."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversion.profile_files import load_profile
from core.errors import ModelError, UsageError
from core.files import file_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.records.profile import Profile
    from ethosu_simulator import Model, NpuOperator
    from ethosu_simulator.timing import Estimate

KINDS = {b"ET12": "ExecuTorch program", b"PK\x03\x04": "raw npz of Vela"}


@dataclass(frozen=True, kw_only=True)
class StreamFacts:
    """One command stream: its operations and MACs, and the bytes that it needs; `compiled_with` is what the file says of it."""

    operations: int
    macs: int
    stream_bytes: int
    constant_bytes: int
    scratch_bytes: int
    fast_scratch_bytes: int
    compiled_with: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CompiledFile:
    """A compiled file on the profile that it is for; `left` counts, by name, what a board's CPU does beside the NPU."""

    path: Path
    sha256: str
    kind: str
    methods: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    npu: str
    profile: Profile
    streams: tuple[StreamFacts, ...]
    left: Mapping[str, int]
    estimate: Estimate

    @property
    def steps(self) -> int:
        """Streams and kernels: what the program runs one after another."""
        return len(self.streams) + sum(self.left.values())


def compiled_kind(path: Path) -> str:
    """What kind of compiled file the bytes begin as; empty when they do not."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        begin = file.read(8)
    return KINDS.get(begin[4:8]) or KINDS.get(begin[:4]) or ""


def compiled_file(path: Path, profiles: Sequence[str]) -> CompiledFile:
    """The facts of a file; ModelError when it is damaged, UsageError when a profile is for another NPU than its stream."""
    import ethosu_simulator
    from ethosu_simulator.timing import MemoryFileError, estimate

    kind = compiled_kind(path)
    try:
        model = ethosu_simulator.load(path)
        streams = [operator for operator in model.operators if isinstance(operator, ethosu_simulator.NpuOperator)]
        profile = _profile(path, streams[0].config.name, profiles)
        found = estimate(path, memory=profile.timing_memory)
    except MemoryFileError as error:
        raise UsageError(str(error), "a memory that fits the file", "ethos-bench estimate FILE --memory mlek") from error
    except ethosu_simulator.SimulatorError as error:
        raise ModelError(f"`{path.name}`: {error}", f"a {kind} for Ethos-U as it was written") from error
    return CompiledFile(
        path=path,
        sha256=file_sha256(path),
        kind=kind,
        methods=model.signatures,
        inputs=tuple(_said(tensor) for tensor in model.inputs),
        outputs=tuple(_said(tensor) for tensor in model.outputs),
        npu=streams[0].config.name,
        profile=profile,
        streams=tuple(_facts(model, stream) for stream in streams),
        left=Counter(operator.name for operator in model.on_the_cpu),
        estimate=found,
    )


def _profile(path: Path, npu: str, names: Sequence[str]) -> Profile:
    if len(names) > 1:
        raise UsageError(
            f"`{path.name}` is compiled, and {len(names)} profiles are named", f"one profile for {npu}, or no --npu"
        )
    profile = load_profile(names[0] if names else npu)
    if profile.accelerator_config != npu:
        raise UsageError(
            f"`{path.name}` is compiled for {npu}, `--npu {profile.name}` is {profile.accelerator_config}",
            "the NPU that the file was compiled for, or no --npu",
            f"ethos-bench inspect {path.name}",
        )
    return profile


def _said(tensor: Any) -> str:
    return f"{tensor.name}: {tensor.dtype} {list(tensor.shape)}"


def _facts(model: Model, stream: NpuOperator) -> StreamFacts:
    from ethosu_simulator import Program
    from ethosu_simulator.npu import macs
    from ethosu_simulator.operations import Computation

    computations = [operation for operation in stream.operations if isinstance(operation, Computation)]
    scratch, fast = stream.arena_sizes
    return StreamFacts(
        operations=len(computations),
        macs=sum(map(macs, computations)),
        stream_bytes=stream.stream_bytes,
        constant_bytes=stream.constant_bytes,
        scratch_bytes=scratch,
        fast_scratch_bytes=fast,
        compiled_with=model.compiled_with(stream) if isinstance(model, Program) else {},
    )
