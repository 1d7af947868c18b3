"""targets.toml: boards by name. docs/reference/targets-toml.md describes every key."""

from __future__ import annotations

import difflib
import os
import shlex
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from core.errors import UsageError
from core.printable import printable
from core.progress import on_stderr
from core.toml_file import checked, toml_content
from targets.gdb.table import GdbBoard
from targets.runner.protocol import Runtime
from targets.target import Graph

DelegateKind = Literal["ethosu", "teflon"]
SECRETS = ("password", "passphrase", "pass", "secret", "token")
DEFAULT_FILE = "targets.toml"
VARIABLE = "ETHOS_BENCH_TARGETS"
WHAT = "targets file"
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Board(BaseModel):
    """One board: everything about reaching it is ~/.ssh/config's, everything about running there is here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("", description="alias in ~/.ssh/config, or host name; default: the board's name")
    profile: str = Field("", description="NPU profile that the board has; other profiles are refused there")
    runtime: Runtime = Field("auto", description="TFLite runtime to use; `auto` takes the first that is installed")
    python: str = Field("python3", description="Python on the board, 3.8 or newer")
    benchmark_model: str = Field("benchmark_model", description="TFLite's benchmark binary, for boards without Python")
    delegate: str = Field(description="path of the external delegate on the board")
    kind: DelegateKind = Field("ethosu", description="ethosu takes Vela's file, teflon the plain int8 file")
    delegate_options: dict[str, str] = Field(default_factory=dict, description="options given to the delegate")
    device: str = Field("/dev/ethosu0", description="device node of the NPU")
    work: str = Field(".ethos-bench", description="folder on the board for files, relative to the home folder or absolute")
    environment: dict[Variable, str] = Field(default_factory=dict, description="environment of the run on the board")
    power: list[str] = Field(default_factory=list, description="command of this machine that switches the board off and on")
    vela: str = Field("", description="Vela that compiles for this board, such as its board support package's")
    threads: int = Field(0, ge=0, description="threads of CPU operators there; 0 takes --threads")
    npu_clock_hz: float = Field(0, ge=0, description="clock of the NPU: with it cycle counts become a share of time")
    ssh_config: str = Field("", description="another ssh configuration file than ~/.ssh/config")
    connect_s: float = Field(15, gt=0, description="limit for reaching the board")
    silence_s: float = Field(20, ge=1, description="a link silent for so long is lost; the board then ends the job itself")
    reconnect_s: float = Field(60, ge=0, description="how long a board that was lost may take to come back")
    wait_s: float = Field(600, ge=0, description="how long to wait for another harness at the same board")
    inference_s: float = Field(30, gt=0, description="the longest that one inference may take")
    keep_bytes: int = Field(512_000_000, ge=0, description="files of earlier jobs that may stay on the board")

    @property
    def graph(self) -> Graph:
        """Teflon compiles on the board and takes the plain int8 file."""
        return "int8" if self.kind == "teflon" else "npu"

    @field_validator("ssh_config", "vela")
    @classmethod
    def _home(cls, path: str) -> str:
        return str(Path(path).expanduser()) if path else ""


class TargetsFile(BaseModel):
    """A whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boards: dict[str, Board] = Field(default_factory=dict, description="tables `[boards.NAME]`, one for each board")
    gdb: dict[str, GdbBoard] = Field(default_factory=dict, description="tables `[gdb.NAME]`, boards behind a GDB server")


def targets_file(given: Path | None) -> Path | None:
    """The targets file: the one given, else $ETHOS_BENCH_TARGETS, else ./targets.toml when it exists."""
    if given:
        return given
    if named := os.environ.get(VARIABLE):
        return Path(named)
    default = Path(DEFAULT_FILE)
    if not default.is_file():
        return None
    _announce(str(default.absolute()))
    return default


@cache
def _announce(path: str) -> None:
    """Say once that a file was taken because it lies in the current folder: it names programs that run here."""
    on_stderr(f"targets: `{printable(path)}`, of the current folder (`ethos-bench targets check --explain`: what it would run)")


def commands_of(name: str, board: Board) -> tuple[tuple[str, str], ...]:
    """(what, command) of every program of this computer that a board's table runs, or may run."""
    found = [("ssh", f"{board.ssh_config or '~/.ssh/config'}: ProxyCommand and Match exec of host {board.host or name}")]
    if board.vela:
        found.append(("vela", board.vela))
    if board.power:
        found.append(("power", shlex.join(board.power)))
    return tuple(found)


def _require_ours(path: Path) -> None:
    """UsageError for a file that others can write, as ssh refuses its own: it names programs that run on this computer."""
    try:
        found = path.stat()
    except OSError:
        return  # reading it says why
    if found.st_mode & 0o022 or found.st_uid not in (0, os.getuid()):
        raise UsageError(
            f"targets file `{path}` can be written by others (mode {found.st_mode & 0o777:o}, owner {found.st_uid}), "
            "and it names programs that run on this computer",
            "a file of yours that nobody else can write",
            f"chmod go-w {path}",
        )


def read_boards(path: Path) -> dict[str, Board]:
    """The boards of a targets file by name; UsageError for what is no targets file."""
    _require_ours(path)
    content = toml_content(path, WHAT)
    _refuse_secrets(path, content.get("boards"))
    boards = checked(content, TargetsFile, path, WHAT).boards
    return {name: board if board.host else board.model_copy(update={"host": name}) for name, board in boards.items()}


def find_board(name: str, given: Path | None) -> Board:
    """The board called `name`; without a targets file UsageError says how to write one."""
    path = targets_file(given)
    if path is None:
        raise UsageError(
            f"no targets file names the board `{name}`",
            f"`[boards.{name}]` in ./{DEFAULT_FILE}, or --targets FILE",
            f"printf '[boards.{name}]\\nhost = \"{name}\"\\n' > {DEFAULT_FILE}",
        )
    boards = read_boards(path)
    if name not in boards:
        close = difflib.get_close_matches(name, boards, 1)
        raise UsageError(
            f"`{path}` has no board `{name}`",
            f"one of {', '.join(boards) or 'none: it is empty'}",
            f"--target ssh:{close[0]}" if close else "",
        )
    return boards[name]


def find_gdb_board(name: str, given: Path | None) -> GdbBoard:
    """The board behind a GDB server that is called `name`; UsageError when no targets file has it."""
    path = targets_file(given)
    if path is None:
        raise UsageError(f"no targets file names the board `{name}`", f"`[gdb.{name}]` in ./{DEFAULT_FILE}, or --targets FILE")
    _require_ours(path)
    boards = checked(toml_content(path, WHAT), TargetsFile, path, WHAT).gdb
    if name not in boards:
        close = difflib.get_close_matches(name, boards, 1)
        raise UsageError(
            f"`{path}` has no board `{name}` behind a GDB server",
            f"one of {', '.join(boards) or 'none: it has no table [gdb.NAME]'}",
            f"--target gdb:{close[0]}" if close else "",
        )
    return boards[name]


def _refuse_secrets(path: Path, boards: object) -> None:
    tables = boards.items() if isinstance(boards, dict) else ()
    for name, key in ((name, key) for name, table in tables if isinstance(table, dict) for key in table):
        if any(word == part for part in key.lower().split("_") for word in SECRETS):
            raise UsageError(
                f"`{path}`: `[boards.{name}]` holds `{key}`: a password in a file is known to whoever reads it",
                "a key in ssh's agent; nothing here reads or keeps passwords",
                f"ssh-copy-id {name}",
            )
