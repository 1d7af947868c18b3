"""What makes two results comparable."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from core.records.field_types import FILE_RECORD, Name, Sha256


@dataclass(frozen=True)
class Identity:
    """Everything that a figure depends on; figures of different identity are never compared silently.

    `weights`, `tflite` and `compiled` are SHA-256 fingerprints ("" when the figure does not depend on them), `tools` maps a
    tool to its version, `target` is the target's fingerprint, `options` the choices that change figures (recipe, image
    size, data set and number of images, kernels, threads).
    """

    __pydantic_config__ = FILE_RECORD

    weights: Sha256 = ""
    tflite: Sha256 = ""
    compiled: Sha256 = ""
    profile: Name = ""
    tools: dict[str, str] = field(default_factory=dict)
    target: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """A mapping for results.json, without the parts the figure does not depend on."""
        return {key: value for key, value in asdict(self).items() if value}

    def parts(self) -> dict[str, str]:
        """The identity as flat names: `weights`, `tools.vela`; parts the figure does not depend on are left out."""
        flat: dict[str, str] = {}
        for part, value in vars(self).items():
            if isinstance(value, dict):
                flat |= {f"{part}.{name}": text for name, text in value.items()}
            elif value:
                flat[part] = value
        return flat
