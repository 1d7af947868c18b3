"""The models as rows: what each name promises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

ARCHITECTURES = Path(__file__).parent / "architectures"

Activation = Literal["silu", "relu", "leaky"]

ACTIVATION_NAMES = {"RELU": "relu", "RELU6": "relu", "LEAKY_RELU": "leaky", "SILU": "silu"}
"""TFLite's activations -> the names that variants carry."""


@dataclass(frozen=True)
class Variant:
    """One model of the suite.

    `level` 0 is plain yolo11n. `folder` is the documented training folder that holds `weights/best.pt`, "" for the base
    model, which has none. `parameters` is the documented count at 15 classes, 0 where no document gives one.
    """

    name: str
    level: int
    activation: Activation
    folder: str
    parameters: int

    @property
    def architecture(self) -> Path:
        """The ultralytics yaml of this variant."""
        return ARCHITECTURES / f"{self.name}.yaml"


VARIANTS = (
    Variant("base_silu",    0, "silu",  "", parameters=0),
    Variant("level2_relu",  2, "relu",  "level2_relu_backbone_head_optimized_100epochs", parameters=3_354_829),
    Variant("level2_leaky", 2, "leaky", "level2_leaky_relu_backbone_head_optimized_100epochs", parameters=3_354_829),
    Variant("level3_relu",  3, "relu",  "level3_relu_full_optimization_100epochs", parameters=3_565_389),
    Variant("level3_leaky", 3, "leaky", "level3_leaky_relu_full_optimization_100epochs", parameters=3_565_389),
    Variant("level4_relu",  4, "relu",  "level4_relu_complete_optimization_100epochs", parameters=3_565_389),
    Variant("level4_leaky", 4, "leaky", "level4_leaky_relu_complete_optimization_100epochs", parameters=3_565_389),
)  # fmt: skip

BY_NAME = {variant.name: variant for variant in VARIANTS}
DOCUMENTED = re.compile(r"(?:older_)?(?:base_|level[234]_)(?P<activation>silu|leaky_?relu|leaky|relu)(?:_|$)")
"""Names of the documented variants and of their published files."""

CLASSES = (
    "Green Light", "Red Light", "Speed Limit 10", "Speed Limit 100", "Speed Limit 110", "Speed Limit 120", "Speed Limit 20",
    "Speed Limit 30", "Speed Limit 40", "Speed Limit 50", "Speed Limit 60", "Speed Limit 70", "Speed Limit 80",
    "Speed Limit 90", "Stop",
)  # fmt: skip
"""The traffic-sign classes of the six models, in label order."""


def expected_activation(name: str) -> Activation | None:
    """The activation that a model's name promises, None when it promises none.

    Only the documented variants promise one, by their own names or those of their published files
    ("level3_leaky_full_integer_quant", "level2_leaky_relu_..."); what another file is called says nothing of what is in it.
    """
    found = DOCUMENTED.match(name.lower().replace("-", "_"))
    if not found:
        return None
    return "leaky" if found["activation"].startswith("leaky") else cast("Activation", found["activation"])


def asked_activation(text: str) -> str:
    """The name that a graph with this activation would have ("leaky" for "LeakyReLU"); "" for no activation."""
    name = re.sub(r"[^a-z0-9+]+", "_", text.lower()).strip("_")
    return {"leakyrelu": "leaky", "leaky_relu": "leaky", "relu6": "relu", "swish": "silu"}.get(name, name)


def activation_name(kinds: Iterable[str]) -> str:
    """What a TFLite graph's activations are called in names of variants: "leaky", several joined by "+", or "none"."""
    return "+".join(sorted({ACTIVATION_NAMES.get(kind, kind.lower()) for kind in kinds})) or "none"
