"""Rules profiles: the variants of a piece of hardware and the limits of its rules, read from TOML."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from core.errors import UsageError
from core.toml_file import read_toml

FOLDER = Path(__file__).parent / "profiles"
DEFAULT_RULES = "ethos-n78"
_STRICT = ConfigDict(extra="forbid", strict=True)
Count = Annotated[int, Field(gt=0)]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The numbers in the rules; what each means stands beside it in profiles/ethos-n78.toml."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    depth_row_bytes: Count
    kernels: list[Count]
    strides: list[Count]
    strided_kernel_max: Count
    convolution_padding_max: Count
    bias_scale_tolerance: float
    multiplier_below: Count
    requantisation_below: Count
    pad_max: Count
    logistic_scale: float
    logistic_zero_points: dict[str, int]
    tanh_scale: float
    tanh_zero_points: dict[str, int]
    scalar_product_tolerance: float
    scalar_sum_tolerance: float
    pool_valid_kernel_max: Count
    pool_same_kernel_max: Count
    pool_reserved_bytes: Count
    pool_strided_width_max: Count
    average_kernel: Count
    mean_sides: list[Count]
    transpose_reserved_bytes: Count
    transpose_weight_bytes: Count


@dataclass(frozen=True, kw_only=True)
class VariantTable:
    """One `[[variant]]` row."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    library_name: str
    engines: Count
    emcs_per_engine: Count
    sram_bytes: Count


@dataclass(frozen=True, kw_only=True)
class RulesFile:
    """What a rules profile's TOML file says."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    description: str
    version: str
    default: str
    variant: Annotated[list[VariantTable], Field(min_length=1)]
    limits: Limits
    sources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Device:
    """One variant of the hardware with the limits of its rules; `banks` of SRAM are `engines` x EMCs per engine.

    `name` is the profile's ("ethos-n78-4tops-4ple"), `library_name` what the rules' source calls it, `version` of what the
    rules are.
    """

    name: str
    library_name: str
    description: str
    version: str
    engines: int
    emcs_per_engine: int
    sram_bytes: int
    limits: Limits
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """A SHA-256 of everything that a judgement depends on here: the variant and every limit."""
        return hashlib.sha256(
            repr((self.name, self.version, self.engines, self.banks, self.sram_bytes, self.limits)).encode()
        ).hexdigest()

    @property
    def banks(self) -> int:
        """Banks of SRAM."""
        return self.engines * self.emcs_per_engine


def rules_names() -> tuple[str, ...]:
    """The shipped rules profiles: each variant by its full name, and each file's name for its default variant."""
    return tuple(name for path in sorted(FOLDER.glob("*.toml")) for name in (path.stem, *_by_name(path)))


def load_rules(name_or_path: str | Path) -> Device:
    """The device of that name, or the default variant of that TOML file; UsageError naming what is wrong and what exists."""
    given = str(name_or_path)
    for path in sorted(FOLDER.glob("*.toml")):
        if given == path.stem:
            return _default(path)
        if given in (devices := _by_name(path)):
            return devices[given]
    if Path(given).is_file():
        return _default(Path(given))
    expected = f"one of {', '.join(rules_names())}, or a TOML file"
    raise UsageError(f"unknown rules profile `{given}`", expected, f"--rules {DEFAULT_RULES}")


@cache
def device_of_library_name(name: str) -> Device:
    """The shipped device that the rules' source calls so; UsageError when there is none."""
    devices = [device for path in sorted(FOLDER.glob("*.toml")) for device in _by_name(path).values()]
    found = next((device for device in devices if device.library_name == name), None)
    if found is None:
        known = ", ".join(device.library_name for device in devices)
        raise UsageError(f"no rules profile is the variant `{name}`", f"one of {known}")
    return found


def _default(path: Path) -> Device:
    written = _read(path)
    devices = _by_name(path)
    name = f"{path.stem}-{written.default}"
    if name not in devices:
        known = ", ".join(variant.name for variant in written.variant)
        raise UsageError(f"rules profile `{path}` is wrong: `default` names no variant, `{written.default}`", f"one of {known}")
    return devices[name]


def _by_name(path: Path) -> dict[str, Device]:
    written = _read(path)
    return {
        f"{path.stem}-{variant.name}": Device(
            **{**asdict(variant), "name": f"{path.stem}-{variant.name}"},
            description=written.description,
            version=written.version,
            limits=written.limits,
            sources=written.sources,
        )
        for variant in written.variant
    }


def _read(path: Path) -> RulesFile:
    return read_toml(path, RulesFile, "rules profile")
