"""Finds, verifies and loads checkpoints. The only importer of ultralytics, which it keeps offline and from running code.

ultralytics at import looks up outside hosts, installs packages and sends analytics unless told not to; a checkpoint is a
pickle, which runs code unless loaded against an allow-list; and an architecture yaml's `activation` is evaluated as Python.
So: the switches are set before the import, files load with `safe_only=True`, and only our own yamls are ever built.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import importlib.util
import io
import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from conversion.variants import BY_NAME, CLASSES, VARIANTS, Activation, Variant
from core.cache import cache_root
from core.errors import CheckpointError, ToolMissing, UsageError
from core.files import file_sha256
from core.installation import install_line
from core.progress import Progress
from core.records.checkpoint_facts import CheckpointFacts
from core.records.image_form import COLOURS

if TYPE_CHECKING:
    import torch

SEEDED_IMAGE_SIZE = 320
DEFAULT_IMAGE_SIZE = 640
SEEDED_GAIN = {"silu": 2.7, "relu": 6**0.5, "leaky": 6**0.5}
"""What torch's initial weights are multiplied with, so that a signal keeps its size through a hundred layers (He's factor).

With torch's own, no output depends on the image any more, and equality of outputs would prove nothing.
"""


REGRESSION_BINS = (16, 1)
"""Of a raw head, which is decoded outside the graph: a distribution of distances, or in YOLO26 the distances themselves."""
DETECTORS, CLASSIFIER = ("Detect", "v10Detect"), "Classify"
EXPORTED_HINT = "ethos-bench run --model exported.tflite --task none"
"""What a checkpoint that is not converted can still be judged as: a file that its own framework exported."""


@dataclass(frozen=True)
class LoadedModel:
    """A float32 model in evaluation mode with its facts; convolutions are not yet fused."""

    module: torch.nn.Module
    facts: CheckpointFacts


def find_checkpoints(folder: Path) -> dict[str, Path]:
    """Variant name -> best.pt for every documented folder below `folder`; CheckpointError when there is none."""
    if not folder.is_dir():
        raise UsageError(f"checkpoint folder `{folder}` does not exist", "a folder that holds the training results")
    found: dict[str, Path] = {}
    for variant in VARIANTS:
        if not variant.folder:
            continue
        matches = sorted(folder.rglob(f"{variant.folder}/weights/best.pt"))
        if folder.name == variant.folder and (folder / "weights/best.pt").exists():
            matches = [folder / "weights/best.pt"]
        if len(matches) > 1:
            raise UsageError(f"{len(matches)} checkpoints for {variant.name}: {matches[0]}, {matches[1]}", "one per variant")
        if matches:
            found[variant.name] = matches[0]
    if not found:
        raise CheckpointError(
            f"no checkpoint below `{folder}`",
            f"`<folder>/weights/best.pt`, with a documented folder such as `{VARIANTS[1].folder}`",
            "ethos-bench run --checkpoint path/to/best.pt",
        )
    return found


def load_checkpoint(path: Path) -> LoadedModel:
    """The model in a .pt file; CheckpointError when it is missing, damaged, hostile, or neither a detector nor a classifier."""
    if not path.is_file():
        raise CheckpointError(f"checkpoint `{path}` does not exist", "an ultralytics .pt file")
    if path.suffix != ".pt":
        raise CheckpointError(
            f"`{path}` is not a checkpoint", "an ultralytics .pt file (an architecture yaml is never built from outside)"
        )
    tasks = _ultralytics_tasks()
    with _quiet(), tempfile.TemporaryDirectory() as folder:
        alias = Path(folder) / "checkpoint.pt"  # some names mean another file to ultralytics: yolov3-tiny.pt is yolov3-tinyu.pt
        alias.symlink_to(path.resolve())
        try:
            content, _ = tasks.torch_safe_load(str(alias), safe_only=True)
        except Exception as error:
            raise _unreadable(path, error) from error
    module = (content.get("ema") or content.get("model")) if isinstance(content, dict) else None
    _require_known_head(module, path)
    return _loaded(module, file=file_sha256(path), image_size=_training_size(content.get("train_args"), path), trained=True)


def _training_size(arguments: object, path: Path) -> int:
    """The image size that a checkpoint was trained with, its longer side; ultralytics' own default when it does not say."""
    written = arguments.get("imgsz", DEFAULT_IMAGE_SIZE) if isinstance(arguments, dict) else DEFAULT_IMAGE_SIZE
    sides = written if isinstance(written, list | tuple) else [written]
    if not sides or not all(isinstance(side, int) and side > 0 for side in sides):
        raise CheckpointError(f"checkpoint `{path}` was trained with imgsz {written!r}", "a size in pixels")
    return max(sides)


def write_facts(request: Mapping[str, Any], folder: Path, progress: Progress) -> None:
    """The worker's step `describe`: facts.json, what the checkpoint is."""
    progress("loading")
    (folder / "facts.json").write_text(json.dumps(requested(request).facts.to_json()), "utf-8")


def requested(request: Mapping[str, Any]) -> LoadedModel:
    """The model that a worker is asked for: the checkpoint, or a seeded build of `seeded` at `image_size`."""
    if request["checkpoint"]:
        return load_checkpoint(Path(request["checkpoint"]))
    return build_seeded(BY_NAME[request["seeded"]], int(request.get("image_size") or SEEDED_IMAGE_SIZE))


def build_seeded(variant: Variant, image_size: int = SEEDED_IMAGE_SIZE) -> LoadedModel:
    """An untrained model of our own architecture yaml, its weights drawn from a seed made of the variant's name."""
    import yaml

    architecture = yaml.safe_load(variant.architecture.read_text("utf-8"))
    module = seeded_detector(architecture, variant.name, len(CLASSES), variant.activation)
    module.names = dict(enumerate(CLASSES))
    return _loaded(module, file="", image_size=image_size, trained=False)


def seeded_detector(architecture: Mapping[str, Any], name: str, classes: int, activation: Activation) -> Any:
    """An ultralytics detector of a description, its weights drawn from a seed made of a name."""
    import torch

    tasks = _ultralytics_tasks()
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    with _quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        module = tasks.DetectionModel(dict(architecture), ch=3, nc=classes, verbose=False)
    with torch.no_grad():
        for block in _conv_blocks(module):
            block.conv.weight.mul_(SEEDED_GAIN[activation])
    return module


def fused(model: LoadedModel) -> torch.nn.Module:
    """A copy of the module with every BatchNorm folded into its convolution, without gradients."""
    module: torch.nn.Module = _fuse(model.module)
    return module


def _fuse(module: Any) -> Any:
    module = copy.deepcopy(module)
    with _quiet():
        module.fuse(verbose=False)
    for parameter in module.parameters():
        parameter.requires_grad = False
    return module.eval()


def packaged_images() -> list[Path]:
    """The photographs that come inside the ultralytics package, sorted by name."""
    package = importlib.util.find_spec("ultralytics")  # found, not imported: only its files are wanted
    if package is None or package.origin is None:
        found = "no images to calibrate with: ultralytics is not installed"
        raise ToolMissing(found, "the extra `convert`", install_line("convert"))
    return sorted((Path(package.origin).parent / "assets").glob("*.jpg"))


def _ultralytics_tasks() -> Any:
    """ultralytics.nn.tasks, imported offline; ToolMissing when the extra `convert` is not installed."""
    os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", ULTRALYTICS_SAFE_LOAD="1")
    settings = cache_root() / "ultralytics"
    settings.mkdir(parents=True, exist_ok=True)
    os.environ["YOLO_CONFIG_DIR"] = str(settings)
    opener = Image.open
    try:
        with _quiet():
            from ultralytics.nn import tasks
    except ImportError as error:
        found = f"checkpoints need the extra `convert`: {error}"
        raise ToolMissing(found, "torch and ultralytics", install_line("convert")) from error
    finally:
        Image.open = opener  # ultralytics puts one there that installs packages when a file is no image
    return tasks


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep ultralytics' banners and warnings off the terminal."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return CheckpointError(
        f"checkpoint `{path}` cannot be loaded: {first[:300]}",
        "an intact ultralytics checkpoint that holds nothing but known model classes (nothing in it was run)",
    )


def _require_known_head(module: object, path: Path) -> None:
    """Raise CheckpointError unless the last layer is ultralytics' Detect or Classify head."""
    layers = getattr(module, "model", None)
    if layers is None or not hasattr(layers, "__getitem__"):
        raise CheckpointError(
            f"checkpoint `{path}` holds no model ({type(module).__name__})", "an ultralytics detector or classifier"
        )
    head = layers[-1]
    name = type(head).__name__
    if name not in (*DETECTORS, CLASSIFIER):
        raise CheckpointError(f"checkpoint `{path}` has a {name} head", "a Detect or a Classify head", EXPORTED_HINT)
    if name != CLASSIFIER and int(head.reg_max) not in REGRESSION_BINS:
        found = f"checkpoint `{path}` has {head.reg_max} bins for each side of a box"
        raise CheckpointError(found, "16, as in YOLOv8 to YOLO12, or 1, as in YOLO26", EXPORTED_HINT)
    if image_channels(module) not in COLOURS:
        found = f"checkpoint `{path}` takes images of {image_channels(module)} channels"
        raise CheckpointError(found, "3 (RGB) or 1 (grey)", EXPORTED_HINT)


def _loaded(module: Any, *, file: str, image_size: int, trained: bool) -> LoadedModel:
    module = module.float().eval()
    head, names = module.model[-1], module.names
    classifier = type(head).__name__ == CLASSIFIER
    if getattr(head, "one2one_cv2", None) is not None:
        head.end2end = True  # ultralytics keeps both heads in a file and takes the other one unless told: it needs NMS
    classes = tuple(str(names[index]) for index in sorted(names)) if isinstance(names, dict) else tuple(map(str, names))
    facts = CheckpointFacts(
        weights=_fingerprint(_fuse(module)),
        file=file,
        activation=_activation(module),
        classes=classes,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        image_size=image_size,
        strides=(1,) if classifier else tuple(int(stride) for stride in head.stride),
        regression_bins=0 if classifier else int(head.reg_max),
        trained=trained,
        channels=image_channels(module),
        task="classify" if classifier else "detect",
        end_to_end=not classifier and bool(head.end2end),
    )
    return LoadedModel(module, facts)


def image_channels(module: Any) -> int:
    """How many colours the first convolution of a detector takes."""
    return int(next(layer.in_channels for layer in module.modules() if type(layer).__name__ == "Conv2d"))


def _activation(module: Any) -> str:
    """The activations inside ultralytics' Conv blocks, as they will run."""
    names = {"SiLU": "silu", "ReLU": "relu", "LeakyReLU": "leaky"}
    kinds = {
        names.get(type(block.act).__name__, type(block.act).__name__.lower())
        for block in _conv_blocks(module)
        if type(block.act).__name__ != "Identity"
    }
    return "+".join(sorted(kinds)) or "none"


def _conv_blocks(module: Any) -> list[Any]:
    """Blocks of ultralytics with convolution, normalisation and activation."""
    return [block for block in module.modules() if type(block).__name__ in ("Conv", "DWConv", "RepConv")]


def _fingerprint(module: Any) -> str:
    """SHA-256 over the fused graph's layers in order: kind, settings that change the result, shape and bytes of weights."""
    digest = hashlib.sha256()
    for _, layer in module.named_modules(remove_duplicate=False):  # an activation may be one object, or one per block
        if next(layer.children(), None) is not None:
            continue
        digest.update(f"{type(layer).__name__}({layer.extra_repr()})".encode())
        for tensor in layer.state_dict().values():
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    for layer in module.model:
        digest.update(f"{layer.f}".encode())
    return digest.hexdigest()
