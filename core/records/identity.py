"""What makes two results comparable."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Identity:
    """Everything that a figure depends on; figures of different identity are never compared silently.

    `weights`, `tflite` and `compiled` are SHA-256 fingerprints ("" when the figure does not depend on them), `tools` maps a
    tool to its version, `target` is the target's fingerprint, `options` the choices that change figures (recipe, image
    size, data set and number of images, kernels, threads).
    """

    weights: str = ""
    tflite: str = ""
    compiled: str = ""
    profile: str = ""
    tools: dict[str, str] = field(default_factory=dict)
    target: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """A mapping for results.json, without the parts the figure does not depend on."""
        return {key: value for key, value in asdict(self).items() if value}
