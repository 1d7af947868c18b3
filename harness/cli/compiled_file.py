"""What an ExecuTorch program or a raw npz of Vela's holds: facts of the streams in it, which need no compiler."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from conversion.compiled_files import profile_of_stream
from conversion.file_kinds import TOSA, file_kind
from conversion.profile_files import load_profile
from conversion.tosa_graph import read_tosa
from conversion.vela import compile_tosa, vela_executable, vela_version
from conversion.vela_options import VelaOptions
from core.errors import ModelError, UsageError
from core.files import file_sha256
from targets.tosa.reference import reference_name, tosa_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from core.records.profile import Profile
    from ethosu_simulator import Model, NpuOperator
    from ethosu_simulator.timing import Estimate

NOISE_SEED = 20261128
NOISE_RUNS = 2


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


@dataclass(frozen=True)
class Compared:
    """Bytes held against a reference for a number of inputs of noise."""

    reference: str
    runs: int
    bytes: int
    differing: int


@dataclass(frozen=True, kw_only=True)
class CompiledFile:
    """A compiled file on the profile that it is for; `left` counts, by name, what a board's CPU does beside the NPU.

    `compared` is there when a reference was asked for; `source` counts the operators of a TOSA graph that was compiled here.
    """

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
    compared: Compared | None = None
    source: Mapping[str, int] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Streams and kernels: what the program runs one after another."""
        return len(self.streams) + sum(self.left.values())


@contextmanager
def compiled_tosa(path: Path, profile: Profile, vela: VelaOptions) -> Iterator[Path]:
    """The raw npz that Vela makes of a TOSA graph for a profile; ModelError for a broken graph, CompileError from Vela."""
    read_tosa(path)
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
        yield compile_tosa(path, profile, Path(folder), vela.vela, vela.arguments())


def tosa_files(path: Path, profiles: Sequence[str], vela: VelaOptions, tosa: Path | None) -> list[CompiledFile]:
    """The facts of a TOSA graph as Vela compiles it for each profile; CompileError when Vela refuses it."""
    graph, found = read_tosa(path), []
    for name in dict.fromkeys(profiles):
        with compiled_tosa(path, load_profile(name), vela) as raw:
            made = compiled_file(raw, [name], tosa)
        version = vela_version(vela_executable(vela.vela))
        found.append(
            replace(
                made,
                path=path,
                sha256=file_sha256(path),
                kind=f"{TOSA}, compiled by Vela {version}",
                source=dict(graph.kinds.most_common()),
            )
        )
    return found


def compiled_file(path: Path, profiles: Sequence[str], tosa: Path | None = None) -> CompiledFile:
    """The facts of a file; ModelError when it is damaged, UsageError when a profile is for another NPU than its stream.

    With `tosa`, the graph that its stream was made of, the bytes are held against the TOSA reference model's.
    """
    import ethosu_simulator
    from ethosu_simulator.timing import MemoryFileError, estimate

    kind = file_kind(path)
    try:
        model = ethosu_simulator.load(path)
        streams = [operator for operator in model.operators if isinstance(operator, ethosu_simulator.NpuOperator)]
        profile = profile_of_stream(path, streams[0].config.name, profiles)
        found = estimate(path, memory=profile.timing_memory)
        compared = compare(path, streams, tosa) if tosa else None
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
        compared=compared,
    )


def compare(path: Path, streams: Sequence[NpuOperator], tosa: Path) -> Compared:
    """Bytes of the only stream against the reference model's, for inputs of noise."""
    if len(streams) != 1:
        raise UsageError(f"`{path.name}` has {len(streams)} streams and --tosa names one graph", "a file with one delegate")
    chance = np.random.default_rng(NOISE_SEED)
    runs = [[_noise(chance, tensor) for tensor in streams[0].inputs] for _ in range(NOISE_RUNS)]
    references = tosa_outputs(tosa, read_tosa(tosa), runs)
    size = differing = 0
    for inputs, expected in zip(runs, references, strict=True):
        for got, wanted in zip(streams[0].run(inputs), expected, strict=True):
            ours, theirs = (np.frombuffer(one.tobytes(), np.uint8) for one in (got, wanted))
            if len(ours) != len(theirs):
                raise UsageError(f"`{tosa.name}` gives {len(theirs)} bytes, `{path.name}` {len(ours)}", "the TOSA of this file")
            size, differing = size + len(ours), differing + int((ours != theirs).sum())
    return Compared(reference_name(), NOISE_RUNS, size, differing)


def _noise(chance: np.random.Generator, tensor: Any) -> Any:
    kind = np.dtype(tensor.dtype)
    return chance.integers(np.iinfo(kind).min, np.iinfo(kind).max, tensor.shape, kind, endpoint=True)


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
