"""int8 TFLite -> Vela TFLite: the command, its time limit, and everything that may be wrong with it."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from conversion.file_kinds import TOSA, file_kind
from conversion.placement import placement
from conversion.requantisation import way_round, with_reason
from conversion.tosa_graph import read_tosa
from conversion.vela_failure import LAST_LINES, vela_failure
from conversion.vela_input import constants_lost, vela_input, with_names_of
from conversion.vela_outputs import cpu_reasons, read_debug_database, read_estimate
from core.cache import cache_errors
from core.errors import CompileError, ModelError, ToolMissing, UsageError
from core.files import file_sha256, work_folder
from core.installation import install_line
from core.processes import run_child
from core.records.artefact import Compilation, ModelFile
from core.records.profile import Profile
from core.tflite.graph import BrokenModel, TfliteGraph, parse
from core.tool_environment import MADE

TIME_LIMIT_S = 900.0
VERSION_TIME_LIMIT_S = 60.0
VERSION = re.compile(r"^\d+\.\d+(\.\S+)?$")
DIGEST_LETTERS = 8
EXPLICIT_OPTIONS = ("--enable-debug-db", "--verbose-performance")
"""What placement and reasons are read from; every Vela from 3.0 on knows both."""


@dataclass(frozen=True)
class VelaOutputs:
    """The files of one compilation and what Vela printed."""

    compiled: Path
    summary: Path
    debug_database: Path
    log: str


def compile_model(
    model: Path | ModelFile,
    profile: Profile,
    output_dir: Path,
    vela: str = "",
    extra: Sequence[str] = (),
    time_limit_s: float = TIME_LIMIT_S,
) -> Compilation:
    """`model` compiled for `profile` into `output_dir`, with Vela's estimate and the place of every source operator.

    The compiled file's bytes depend on model, profile, Vela and `extra` alone, not on folders or file names. Nothing is left in
    `output_dir` when it fails. What a Vela is known to compile into wrong bytes is compiled again round that, which `command`
    says. ModelError for a broken model, CompileError when Vela fails or contradicts itself.
    """
    path = model.path if isinstance(model, ModelFile) else model
    graph = source_graph(path)
    made = _compile_once(path, graph, profile, output_dir, vela, extra, time_limit_s)
    round_it = way_round(graph, made.placement, made.vela_version)
    if not round_it:
        return made
    again = _compile_once(path, graph, profile, output_dir, vela, (*extra, *round_it), time_limit_s)
    return replace(again, placement=with_reason(again.placement, made.placement, made.vela_version))


def _compile_once(
    path: Path,
    graph: TfliteGraph,
    profile: Profile,
    output_dir: Path,
    vela: str,
    extra: Sequence[str],
    time_limit_s: float,
) -> Compilation:
    executable = vela_executable(vela)
    version = vela_version(executable)
    lost = constants_lost(path, version)
    command = (*_options(profile), *extra)
    with cache_errors(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
    with _workspace(output_dir) as folder, vela_input(path, graph, lost) as (given, plain):
        log = _run(executable, given, command, folder, time_limit_s, plain)
        found = _outputs(folder, path, log)
        placed = placement(
            plain, _compiled_graph(found.compiled), read_debug_database(found.debug_database), cpu_reasons(found.log)
        )
        estimate = read_estimate(found.summary)
        kept = {file.name: file.replace(output_dir / file.name) for file in folder.iterdir()}
    compiled = kept[found.compiled.name]
    return Compilation(
        compiled=ModelFile(compiled, file_sha256(compiled)),
        profile=profile,
        vela_version=version,
        command=("vela", path.name, *command),
        estimate=estimate,
        placement=with_names_of(graph, placed),
        log=log,
        debug_database=kept[found.debug_database.name],
        moved_constants=lost,
    )


def read_graph(path: Path) -> TfliteGraph:
    """The graph of a TFLite file; ModelError when the file is missing or broken."""
    try:
        return parse(path.read_bytes(), path.name)
    except OSError as error:
        raise ModelError(f"`{path}` cannot be read: {error.strerror}", "a TFLite file") from error
    except BrokenModel as error:
        raise ModelError(error.found, error.expected) from error


def source_graph(path: Path) -> TfliteGraph:
    """The graph of a file that Vela compiles, TFLite or TOSA; ModelError when the file is missing or broken."""
    return read_tosa(path) if file_kind(path) == TOSA else read_graph(path)


def vela_executable(vela: str = "") -> Path:
    """The Vela to run: the user's own, else the one installed beside this Python."""
    if vela:
        found = shutil.which(vela)
        if found is None and Path(vela).is_file():
            raise ToolMissing(f"`{vela}` is not executable", "a Vela that can be run", f"chmod +x {vela}")
        if found is None:
            raise ToolMissing(f"`{vela}` is no program that can be run", "the path of a Vela executable", install_line())
        return Path(found).absolute()
    beside = Path(sys.executable).parent / "vela"
    if not beside.is_file():
        raise ToolMissing(f"no Vela beside {sys.executable}", "the package ethos-u-vela in this environment", install_line())
    return beside


def vela_version(executable: Path) -> str:
    """What `--version` prints, and of a Vela that no lock of ours pins the beginning of its SHA-256: `4.2.0-1a2b3c4d`.

    A board support package's is told apart so from the published one of its version. UsageError when what is printed is no
    version, for then it is no Vela.
    """
    with cache_errors(executable.parent):
        changed = executable.stat().st_mtime_ns
    return _version(executable, changed)


def _is_pinned(executable: Path) -> bool:
    """Whether a lock of ours says every byte: the Vela beside this Python, or in an environment made from a lock."""
    return executable.parent == Path(sys.executable).parent or (executable.parents[1] / MADE).is_file()


@functools.lru_cache(maxsize=8)
def _version(executable: Path, _changed_ns: int) -> str:
    try:
        finished = subprocess.run(
            [str(executable), "--version"], capture_output=True, text=True, timeout=VERSION_TIME_LIMIT_S, check=False
        )
        said = (finished.stdout.strip().splitlines() or [""])[-1].strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        raise UsageError(f"`{executable}` cannot be run: {error}", "a Vela executable") from error
    if finished.returncode or not VERSION.match(said):
        raise UsageError(f"`{executable}` is no Vela: `--version` printed `{said[:80]}`", "a version such as 5.2.0")
    if _is_pinned(executable):
        return said
    with cache_errors(executable.parent):
        return f"{said}-{file_sha256(executable)[:DIGEST_LETTERS]}"


def _options(profile: Profile) -> tuple[str, ...]:
    return (
        "--config",
        profile.vela_config,
        "--system-config",
        profile.system_config,
        "--memory-mode",
        profile.memory_mode,
        "--accelerator-config",
        profile.accelerator_config,
        *EXPLICIT_OPTIONS,
        "--output-dir",
        ".",
    )


@contextmanager
def _workspace(output_dir: Path) -> Iterator[Path]:
    """A folder beside the outputs that is gone afterwards, so that a failed compilation leaves nothing."""
    with cache_errors(output_dir), work_folder(output_dir, ".vela-") as folder:
        yield folder


def _run(
    executable: Path,
    model: Path,
    options: Sequence[str],
    folder: Path,
    time_limit_s: float,
    graph: TfliteGraph | None = None,
) -> str:
    """All that Vela printed; CompileError with its last words when it fails."""
    command = [str(executable), str(model.absolute()), *options]
    finished = run_child(command, timeout_s=time_limit_s, cwd=folder, environment={"PYTHONUNBUFFERED": "1"})
    if finished.timed_out:
        raise CompileError(f"Vela did not finish `{model.name}` within {time_limit_s:.0f} s")
    log = finished.stdout + finished.stderr
    if finished.returncode:
        raise vela_failure(model.name, finished.returncode, log, graph)
    return log


def _outputs(folder: Path, model: Path, log: str) -> VelaOutputs:
    """The files that Vela wrote; CompileError naming those it did not write."""
    found = {
        name: next(iter(sorted(folder.glob(pattern))), None)
        for name, pattern in (
            ("compiled file (*_vela.tflite)", "*_vela.tflite"),
            ("summary (*_summary_*.csv)", "*_summary_*.csv"),
            ("debug database (*_debug.xml)", "*_debug.xml"),
        )
    }
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise _nothing_written(missing, model, log, "a Vela that writes the debug database and the summary (3.0 or newer)")
    compiled, summary, database = (path for path in found.values() if path is not None)
    return VelaOutputs(compiled, summary, database, log)


def _nothing_written(missing: Sequence[str], model: Path, log: str, expected: str) -> CompileError:
    said = "\n".join(f"    {line.strip()}" for line in log.strip().splitlines()[-LAST_LINES:])
    return CompileError(
        f"Vela ended without an error on `{model.name}` but wrote no {', no '.join(missing)}:\n{said}", expected
    )


def _compiled_graph(path: Path) -> TfliteGraph:
    try:
        return parse(path.read_bytes(), path.name)
    except BrokenModel as error:
        raise CompileError(f"Vela wrote a file that cannot be read: {error.found}") from error


def compile_tosa(model: Path, profile: Profile, output_dir: Path, vela: str = "", extra: Sequence[str] = ()) -> Path:
    """Vela's raw npz of a TOSA graph for `profile`, in `output_dir`; CompileError when Vela fails."""
    command = (*_options(profile), *extra, "--output-format", "raw")
    with cache_errors(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
    with _workspace(output_dir) as folder:
        log = _run(vela_executable(vela), model, command, folder, TIME_LIMIT_S)
        written = next(iter(sorted(folder.glob("*_vela.npz"))), None)
        if written is None:
            raise _nothing_written(["raw file (*_vela.npz)"], model, log, "a Vela that takes TOSA (5.0 or newer)")
        return written.replace(output_dir / written.name)
