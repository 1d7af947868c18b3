"""What a session was asked to do, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conversion.executorch.lowering import executorch_python
from conversion.file_kinds import COMPILED, TFLITE, TOSA, file_kind
from conversion.options import ConversionOptions
from conversion.pipeline import graph_of
from conversion.profile_files import DEFAULT_PROFILE
from conversion.tosa_graph import read_tosa
from conversion.variants import BY_NAME, asked_activation
from core.errors import ModelError, UsageError
from core.option_fields import check_bounds, option
from core.tflite.graph import TfliteGraph
from harness.tasks.classify.preprocess import asked_preprocess
from harness.workbench.given_inputs import given_inputs, require_form
from targets.kinds import TARGETS, TargetChoices, target_class

DEFAULT_TARGET = "sim"
NPU_IMAGES = 4
"""Images that a target with an NPU runs unless --images says otherwise."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions(ConversionOptions, TargetChoices):
    """What a session is about: models, data, NPUs and targets; `images` None means the whole split."""

    targets: tuple[str, ...] = option(
        "--target", f"where to run: {', '.join(kind.written for kind in TARGETS.values())}", (DEFAULT_TARGET,), metavar="SPEC"
    )
    profiles: tuple[str, ...] = option(
        "--npu",
        "NPU profile; a file is a user's own; of a `--model` that is compiled already it can only be the file's NPU",
        (),
        metavar="NAME|FILE.toml",
        default_text=f"`{DEFAULT_PROFILE}`, or the compiled file's",
    )
    memory: str = option(
        "--memory",
        "memory that our cycle model takes: `mlek` (the evaluation kit's timing adapters), `mlek-off`, or a board's own file "
        "([time](timing.md))",
        "",
        metavar="NAME|FILE.toml",
        default_text="the profile's",
    )
    rules: tuple[str, ...] = option(
        "--rules",
        "rules profile that judges the int8 files too; documented claims are always judged by `ethos-n78` "
        "([what would Ethos-N take](../guides/ethos-n.md))",
        (),
        metavar="PROFILE",
    )
    published: Path | None = option(
        "--published",
        "folder with `NAME_full_integer_quant.tflite`, the files that a project published: its NPU report's count is repeated",
        None,
        metavar="DIR",
        default_text="`published` beside the checkpoints",
    )
    variants: tuple[str, ...] = option("--variant", "only these models", (), metavar="NAME", default_text="all")
    checkpoints: Path | None = option(
        "--checkpoints", "folder with `<documented folder>/weights/best.pt` anywhere below", None, metavar="DIR"
    )
    checkpoint: Path | None = option("--checkpoint", "any ultralytics detector or classifier", None, metavar="FILE")
    model: Path | None = option(
        "--model",
        "any quantised TFLite file, a TOSA graph, an ExecuTorch program for Ethos-U, or a raw npz of Vela's "
        "([ExecuTorch and TOSA](../guides/executorch.md))",
        None,
        metavar="FILE",
    )
    tosa: Path | None = option(
        "--tosa", "TOSA graph that a compiled `--model` was made of: the reference of its bytes", None, metavar="FILE"
    )
    inputs: tuple[str, ...] = option(
        "--input",
        "values of one input of `--model`, as numpy.save writes them, in its own type and shape; inputs that neither this nor "
        "`--data` gives are seeded noise, which the record says",
        (),
        metavar="NAME=FILE.npy",
    )
    expect_activation: str = option(
        "--expect-activation",
        "activation that the graph of `--model` or `--checkpoint` must hold (`relu`, `leaky`, `silu`, ...); any other fails",
        "",
        metavar="NAME",
        parse=asked_activation,
    )
    frontends: tuple[Literal["tflite", "executorch"], ...] = option(
        "--frontend",
        "how checkpoints become int8: TFLite, or ExecuTorch (PT2E and TOSA, contiguous and channels_last: a build for each; "
        "[ExecuTorch and TOSA](../guides/executorch.md))",
        ("tflite",),
    )
    base_model: Path | None = option(
        "--base-model", "trained checkpoint of the plain model", None, metavar="FILE", default_text="seeded"
    )
    data: Path | None = option(
        "--data",
        "train split calibrates, test split (else val) judges; a classifier takes a folder with a folder for each class, a CSV "
        "of `file,label`, or arrays with labels ([tasks](../guides/tasks.md))",
        None,
        metavar="data.yaml|DIR|FILE",
    )
    task: Literal["", "detect", "classify", "score", "none"] = option(
        "--task",
        "what the model is judged as; `none` asks for placement, memory, bytes and estimates only",
        "",
        default_text="what the model is",
    )
    preprocess: str = option(
        "--preprocess",
        "how images become the input, mean and std in pixel values: `mean=0,std=255`, "
        "`mean=123.7/116.3/103.5,std=58.4/57.1/57.4,resize=crop`; also `resize=stretch`, `order=bgr`; a "
        "detector's are letterboxed, and 0..1 where nothing says else",
        "",
        metavar="SPEC",
        default_text="the model's metadata",
        parse=asked_preprocess,
    )
    images: int | None = option(
        "--images",
        "accuracy on N evenly spaced images: another identity; a target with an NPU runs all N, and has an mAP of its own",
        None,
        metavar="N",
        default_text=f"whole split; {NPU_IMAGES} on an NPU target",
    )
    accuracy_on_target: bool = option(
        "--accuracy-on-target",
        "targets with an NPU run every image of the split, for an mAP of their own (`graph: npu`)",
        False,
    )
    repeats: int = option("--repeats", "latency samples of each model", 50, metavar="N", least=1)
    strict_claims: bool = option("--strict-claims", "a claim that is refuted or falls short fails the run", False)
    allow_missing_target: bool = option(
        "--allow-missing-target", "a named target that is not there is skipped instead of exit 3", False
    )

    def check(self) -> None:
        """Raise UsageError for what no session could do."""
        self._check_files()
        check_bounds(self)
        if self.record and not any(target_class(spec).can_record for spec in self.targets):
            raise UsageError(
                f"--record {self.record}: {', '.join(self.targets)} is no board: nothing is said that could be kept",
                "a board among the targets",
                "--target ssh:NAME",
            )
        unknown = [name for name in self.variants if name not in BY_NAME]
        if unknown and not (self.checkpoint or self.model):
            raise UsageError(f"unknown variant `{unknown[0]}`", f"one of {', '.join(BY_NAME)}")
        self.check_conversion()
        self._check_kind()
        self._check_frontends()
        self._check_own()

    def _check_own(self) -> None:
        """Raise UsageError for options of a user's own model without one, and for inputs that it does not have."""
        require_form(self.inputs)
        if self.inputs and not self.model:
            raise UsageError("--input without --model: a checkpoint takes images", "`--data` for images", "--data data.yaml")
        if self.inputs and self.model and (graph := _graph_if_any(self.model)):
            given_inputs(self.inputs, graph)
        if self.expect_activation and not (self.model or self.checkpoint):
            raise UsageError(
                f"--expect-activation {self.expect_activation}: the documented variants promise theirs by their names",
                "--model or --checkpoint beside it",
            )

    def _check_kind(self) -> None:
        """Raise UsageError for targets and options that a model of its kind cannot have."""
        kind = file_kind(self.model) if self.model else TFLITE
        if self.tosa and kind not in COMPILED:
            raise UsageError(
                f"--tosa {self.tosa}: no compiled file that it was made into", "--model FILE.pte or FILE.npz beside it"
            )
        if self.tosa:
            read_tosa(self.tosa)
        able = [spec for spec in self.targets if kind == TFLITE or spec == DEFAULT_TARGET or _takes_tflite(kind, spec)]
        for spec in self.targets:
            if spec not in able:
                raise UsageError(
                    f"--target {spec} does not run files of the kind `{kind}`",
                    f"--target {DEFAULT_TARGET}",
                    f"--target {DEFAULT_TARGET}",
                )
        if self.rules and kind != TFLITE:
            raise UsageError(f"--rules {self.rules[0]}: `{kind}` has no layers of TFLite to judge", "the TFLite file")

    def _check_frontends(self) -> None:
        """Raise UsageError for what the front end ExecuTorch cannot do, ToolMissing when it has not been installed."""
        if "executorch" not in self.frontends:
            return
        if self.model:
            raise UsageError("--frontend executorch beside --model, which is quantised", "a checkpoint", "--checkpoint best.pt")
        if self.image_size == "auto":
            raise UsageError("--imgsz auto with --frontend executorch", "a size in pixels", "--imgsz 320")
        for spec in self.targets:
            if not _takes_tflite(TOSA, spec):
                raise UsageError(
                    f"--target {spec} with --frontend executorch: it runs no compiled file",
                    "a target with an NPU",
                    f"--target {DEFAULT_TARGET}",
                )
        if self.recipe and "tflite" not in self.frontends:
            raise UsageError(f"--recipe {self.recipe} with --frontend executorch, which quantises by PT2E", "no recipe")
        if self.rules and "tflite" not in self.frontends:
            raise UsageError(
                f"--rules {self.rules[0]} with --frontend executorch: a TOSA graph has no layers of TFLite to judge",
                "the TFLite front end beside it",
                "--frontend tflite --frontend executorch",
            )
        executorch_python()

    def _check_files(self) -> None:
        models = {"checkpoints": self.checkpoints, "checkpoint": self.checkpoint, "model": self.model}
        given = [name for name, path in models.items() if path]
        if len(given) > 1:
            raise UsageError(f"--{given[0]} and --{given[1]} were both given", "one of them")
        for flag, path in (("checkpoint", self.checkpoint), ("model", self.model), ("base-model", self.base_model)):
            if path and not path.is_file():
                kind = "quantised .tflite, .tosa, .pte or .npz file" if flag == "model" else "ultralytics .pt file"
                raise UsageError(f"--{flag} `{path}` does not exist", f"a {kind}")


def _takes_tflite(kind: str, spec: str) -> bool:
    """Whether a target runs Vela's TFLite file of a TOSA graph: one with an NPU; the graph itself runs on no CPU here."""
    return kind == TOSA and getattr(target_class(spec), "graph", "") == "npu"


def _graph_if_any(path: Path) -> TfliteGraph | None:
    """The graph of a file; None when it cannot be read: then its own tests fail with it."""
    try:
        return graph_of(path)
    except ModelError:
        return None
