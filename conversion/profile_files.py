"""Profiles from TOML files: the shipped ones by name, a user's own by path."""

from __future__ import annotations

import configparser
import difflib
import importlib.util
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from core.errors import ToolMissing, UsageError
from core.files import sha256
from core.installation import install_line
from core.records.profile import MACS, Corstone, MemoryArea, MemoryBudget, Npu, Profile
from core.toml_file import read_toml

FOLDER = Path(__file__).parent / "profiles"
BOARDS = FOLDER / "boards"
SAME_AS = {
    "imx93": "ethos-u65-256",
    "corstone-300": "ethos-u55-128",
    "corstone-310": "ethos-u55-256",
    "corstone-320": "ethos-u85-256",
}
"""Boards whose profile is the shipped one of their NPU: the name is another word for it, and results carry the NPU's."""
DEFAULT_PROFILE = "ethos-u65-256"
AREA_OF_PORT: dict[str, MemoryArea] = {
    "Sram": "sram",
    "Dram": "dram",
    "OnChipFlash": "on_chip_flash",
    "OffChipFlash": "off_chip_flash",
}
"""Vela's names of memories in a configuration file -> its names in options and summaries."""


_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class BudgetTable:
    """One `[budget.AREA]` table."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    bytes: Annotated[int, Field(gt=0)]
    source: str


Bytes = Annotated[int, Field(gt=0)]
Address = Annotated[int, Field(ge=0, lt=1 << 32)]


@dataclass(frozen=True)
class CorstoneTable:
    """The `[corstone]` table."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    platforms: Annotated[list[Literal["SSE-300", "SSE-310", "SSE-320"]], Field(min_length=1)]
    arena_bytes: Bytes
    model_address: Address
    model_bytes: Bytes
    input_address: Address
    input_bytes: Bytes
    output_address: Address
    output_bytes: Bytes
    source: str
    cache_bytes: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class ProfileFile:
    """What a profile's TOML file says; its name comes from the file, its memory areas from Vela's configuration file."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    npu: Npu
    macs: int
    clock_hz: int
    system_config: str
    memory_mode: str
    budget: dict[MemoryArea, BudgetTable]
    vela_config: str = "Arm/vela.ini"
    corstone: CorstoneTable | None = None
    description: str = ""
    timing_memory: str = "mlek"
    sources: dict[str, str] = field(default_factory=dict)


def profile_names() -> tuple[str, ...]:
    """The shipped profiles, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def board_names() -> tuple[str, ...]:
    """The boards that have a profile, in alphabetical order."""
    return tuple(sorted([*SAME_AS, *(path.stem for path in BOARDS.glob("*.toml"))]))


def load_profile(name_or_path: str | Path) -> Profile:
    """The profile of that NPU or board, or in that TOML file; UsageError naming what is wrong with it and what exists."""
    given = str(name_or_path)
    path = _shipped(given) or Path(given)
    if not path.is_file():
        expected = f"one of {', '.join((*profile_names(), *board_names()))}, or a TOML file"
        raise UsageError(f"unknown profile `{given}`", expected, f"--npu {nearest(given)}")
    return _profile(path, read_toml(path, ProfileFile, "profile"))


def nearest(given: str) -> str:
    """The shipped name that looks most like another one; the default NPU's where none does."""
    found = difflib.get_close_matches(given.lower().replace("_", "-"), (*profile_names(), *board_names()), 1, 0.5)
    return found[0] if found else DEFAULT_PROFILE


def _shipped(name: str) -> Path | None:
    """The file of a shipped profile, None for any other name."""
    if name in profile_names() or name in SAME_AS:
        return FOLDER / f"{SAME_AS.get(name, name)}.toml"
    return BOARDS / f"{name}.toml" if name in board_names() else None


def _profile(path: Path, written: ProfileFile) -> Profile:
    if written.macs not in MACS[written.npu]:
        known = ", ".join(str(macs) for macs in MACS[written.npu])
        raise UsageError(f"profile `{path}` gives {written.npu} {written.macs} MACs", f"{written.npu} has {known}")
    text = _configuration_text(path, written.vela_config)
    configuration = _configuration(path, text)
    system = _section(path, configuration, "System_Config", written.system_config)
    memory = _section(path, configuration, "Memory_Mode", written.memory_mode)
    _check_clock(path, written, system)
    return Profile(
        name=path.stem,
        npu=written.npu,
        macs=written.macs,
        clock_hz=float(written.clock_hz),
        vela_config=_vela_config(path, written.vela_config),
        vela_config_sha256=sha256(text),
        system_config=written.system_config,
        memory_mode=written.memory_mode,
        arena_area=_area(path, system, memory, "arena_mem_area"),
        constants_area=_area(path, system, memory, "const_mem_area"),
        budget={area: MemoryBudget(table.bytes, table.source) for area, table in written.budget.items()},
        corstone=_corstone(written.corstone) if written.corstone else None,
        sources=written.sources,
        description=written.description,
        timing_memory=_timing_memory(path, written.timing_memory),
        path=str(path),
    )


def _corstone(table: CorstoneTable) -> Corstone:
    return Corstone(**{**asdict(table), "platforms": tuple(table.platforms)})


def _timing_memory(profile: Path, name: str) -> str:
    """The memory of our cycle model: the path of a file beside the profile, else a shipped one's name."""
    beside = profile.parent / name
    return str(beside.absolute()) if beside.is_file() else name


def _vela_config(profile: Path, name: str) -> str:
    """What `--config` gets: the absolute path of a file of the user's, else the name of a file that Vela ships."""
    beside = profile.parent / name
    return str(beside.absolute()) if beside.is_file() else name


def _configuration_text(profile: Path, name: str) -> str:
    """The text of the Vela configuration file that a profile names."""
    given = Path(_vela_config(profile, name))
    path = given if given.is_absolute() else _shipped_configurations() / name
    if not path.is_file():
        shipped = sorted(str(file.relative_to(_shipped_configurations())) for file in _shipped_configurations().glob("*/*.ini"))
        raise UsageError(
            f"profile `{profile}` names the Vela configuration file `{name}`, which does not exist",
            f"a file beside the profile, or one that Vela ships: {', '.join(shipped)}",
        )
    return path.read_text("utf-8", "replace")


def _configuration(profile: Path, text: str) -> configparser.ConfigParser:
    """Vela's configuration file, read as Vela reads it."""
    configuration = configparser.ConfigParser()
    try:
        configuration.read_string(text)
    except configparser.Error as error:
        found = f"the Vela configuration file of profile `{profile}` cannot be read: {str(error).splitlines()[0]}"
        raise UsageError(found) from error
    return configuration


def _shipped_configurations() -> Path:
    """The folder of the configuration files that the installed Vela ships."""
    spec = importlib.util.find_spec("ethosu")
    if spec is None or not spec.submodule_search_locations:
        raise ToolMissing("Vela is not installed", "the package ethos-u-vela", install_line())
    return Path(next(iter(spec.submodule_search_locations))) / "config_files"


def _section(profile: Path, configuration: configparser.ConfigParser, kind: str, name: str) -> dict[str, str]:
    """The keys of a section with those it inherits."""
    known = [section.split(".", 1)[1] for section in configuration.sections() if section.startswith(f"{kind}.")]
    if name not in known:
        what = kind.replace("_", " ").lower()
        raise UsageError(
            f"profile `{profile}` names the {what} `{name}`, which its Vela configuration file lacks",
            f"one of {', '.join(known)}",
        )
    found: dict[str, str] = {}
    section = f"{kind}.{name}"
    for _ in configuration.sections():  # an inheritance chain is no longer than there are sections
        found = dict(configuration[section]) | found if section in configuration else found
        parent = configuration[section].get("inherit") if section in configuration else None
        if parent is None:
            break
        section = parent
    return found


def _check_clock(profile: Path, written: ProfileFile, system: dict[str, str]) -> None:
    """Vela's estimates are in time of the system configuration's clock: it must be the profile's."""
    clock = system.get("core_clock", "nothing")
    if not re.fullmatch(r"[0-9.]+(e[0-9]+)?", clock) or float(clock) != written.clock_hz:
        raise UsageError(
            f"profile `{profile}` says {written.clock_hz} Hz, its system config `{written.system_config}` {clock}",
            "one clock: Vela's estimates are made for the system config's",
        )


def _area(profile: Path, system: dict[str, str], memory: dict[str, str], key: str) -> MemoryArea:
    """The memory behind an AXI port: memory mode -> port -> system configuration -> memory."""
    port = memory.get(key, "")
    area = AREA_OF_PORT.get(system.get(f"{port.lower()}_port", ""))
    if area is None:
        raise UsageError(f"profile `{profile}`: its Vela configuration file does not say which memory `{key}` is")
    return area
