"""Float graphs of a detector: TFLite (NHWC) to quantise, ONNX (NCHW) as the float reference.

The graph is cut at the raw head maps by default: three box maps (64 channels of distribution logits, in YOLO26 4 of distances)
and three class maps (one logit per class); of an end-to-end head the one-to-one maps. Each map keeps a scale of its own;
softmax, sigmoid, box decode and NMS run on the CPU in float. `decoded` keeps the decode in the graph and gives normalised
boxes and scores as two tensors. A classifier ends at its logits.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from conversion.checkpoint import fused, requested
from core.errors import ConversionError
from core.progress import Progress

Cut = Literal["raw", "decoded"]
ONNX_OPSET = 18
RECT_PADDING = 32
"""Pixels that ultralytics' `rect` validation adds to a square canvas at least: half of the largest stride on each side."""


def write_graphs(request: Mapping[str, Any], folder: Path, progress: Progress) -> None:
    """The worker's step `export`: float.tflite and float.onnx at one image size and cut, and float_rect.onnx (raw heads only).

    The latter has the canvas of ultralytics' own validation, which pads by a stride: published accuracy was measured there.
    """
    size, cut = int(request["image_size"]), request["cut"]
    progress("loading")
    model = requested(request)
    facts, whole = model.facts, fused(model)
    module = ClassHead(whole).eval() if facts.task == "classify" else head_module(whole, cut, size)
    names = ("logits",) if facts.task == "classify" else output_names(cut, len(facts.strides))
    progress("exporting ONNX")
    (folder / "float.onnx").write_bytes(onnx(module, size, names, facts.channels))
    if cut == "raw" and facts.task == "detect":
        rect = size + max(RECT_PADDING, *facts.strides)
        (folder / "float_rect.onnx").write_bytes(onnx(module, rect, names, facts.channels))
    progress("exporting TFLite")
    (folder / "float.tflite").write_bytes(float_tflite(module, size, facts.channels))


class RawHead(nn.Module):
    """An ultralytics detector up to the last convolutions of its head.

    Forward: float32 (1, colours, S, S) in 0..1 -> (box0, class0, box1, class1, ...), each (1, C, S/stride, S/stride).
    """

    def __init__(self, detector: Any) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Two raw maps for each scale, coarser scales last."""
        *body, head = self.detector.model
        kept: list[torch.Tensor | None] = []
        value: Any = image
        for layer in body:
            value = layer(_taken(layer.f, value, kept))
            kept.append(value if layer.i in self.detector.save else None)
        maps: list[torch.Tensor] = []
        one_to_one = bool(head.end2end)
        boxes, classes = (head.one2one_cv2, head.one2one_cv3) if one_to_one else (head.cv2, head.cv3)
        for scale, source in enumerate(head.f):
            features = value if source in (-1, len(body) - 1) else kept[source]
            maps += [boxes[scale](features), classes[scale](features)]
        return tuple(maps)


def _taken(sources: int | list[int], last: Any, kept: list[torch.Tensor | None]) -> Any:
    """What a layer takes: the output of the layer before it (-1) or of one by number, or a list of such."""
    if isinstance(sources, int):
        return last if sources == -1 else kept[sources]
    return [last if source == -1 else kept[source] for source in sources]


class ClassHead(nn.Module):
    """A classifier up to its logits: softmax changes no order, and would take most of an int8 scale for its small values."""

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits (1, classes)."""
        *body, head = self.classifier.model
        kept: list[torch.Tensor | None] = []
        value: Any = image
        for layer in body:
            value = layer(_taken(layer.f, value, kept))
            kept.append(value if layer.i in self.classifier.save else None)
        logits: torch.Tensor = head.linear(head.pool(head.conv(value)).flatten(1))
        return logits


class DecodedHead(nn.Module):
    """A detector with its decode: boxes (1, 4, N) as centre-size in 0..1 of the image, scores (1, classes, N) in 0..1."""

    def __init__(self, detector: Any, image_size: int) -> None:
        super().__init__()
        self.detector = detector
        self.image_size = image_size
        head = detector.model[-1]
        head.export, head.format, head.shape = True, "litert", None
        # of an end-to-end head the decode without the top-k, which no NPU has; boxes stay centre and size
        self.boxes = RawHead(detector) if head.end2end else None
        self.centres, self.strides = _cells([int(stride) for stride in head.stride], image_size)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Boxes and scores as two tensors, so that each keeps its own scale when quantised."""
        if self.boxes is not None:
            return self._one_to_one(image)
        output = self.detector(image)
        output = output[0] if isinstance(output, tuple | list) else output
        return output[:, :4] / self.image_size, output[:, 4:]

    def _one_to_one(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same of the one-to-one maps."""
        assert self.boxes is not None
        maps, head = self.boxes(image), self.detector.model[-1]
        sides = head.dfl(torch.cat([each.flatten(2) for each in maps[::2]], 2))
        before, after = sides[:, :2], sides[:, 2:]
        boxes = torch.cat([self.centres + (after - before) / 2, after + before], 1) * self.strides
        return boxes / self.image_size, torch.cat([each.flatten(2) for each in maps[1::2]], 2).sigmoid()


def _cells(strides: Sequence[int], size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The centres (1, 2, N) as x y of all cells of all scales in their own strides, and these strides (1, 1, N)."""
    centres, of = [], []
    for stride in strides:
        line = torch.arange(size // stride) + 0.5
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack([columns.flatten(), rows.flatten()]))
        of.append(torch.full((1, len(line) ** 2), float(stride)))
    return torch.cat(centres, 1)[None], torch.cat(of, 1)[None]


def head_module(detector: nn.Module, cut: Cut, image_size: int) -> nn.Module:
    """The module that is exported, in evaluation mode, for a fused ultralytics detector."""
    return (RawHead(detector) if cut == "raw" else DecodedHead(detector, image_size)).eval()


def float_tflite(module: nn.Module, image_size: int, channels: int = 3) -> bytes:
    """The float32 TFLite file of a head module: input NHWC (1, S, S, channels), raw maps NHWC."""
    import litert_torch

    example = (torch.zeros(1, channels, image_size, image_size),)
    with torch.no_grad():
        outputs = module(*example)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    spatial = [index for index, output in enumerate(outputs) if output.ndim == 4]
    with quiet_exporters():
        channels_last = litert_torch.to_channel_last_io(module, args=[0], outputs=spatial).eval()
        converted = litert_torch.convert(channels_last, (example[0].permute(0, 2, 3, 1).contiguous(),))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "float.tflite"
            converted.export(str(path))
            return path.read_bytes()


def onnx(module: nn.Module, image_size: int, names: tuple[str, ...], channels: int = 3) -> bytes:
    """The float32 ONNX file of a head module: input `images` NCHW (1, channels, S, S) in 0..1."""
    example = (torch.zeros(1, channels, image_size, image_size),)
    form: dict[str, Any] = {"input_names": ["images"], "output_names": list(names), "opset_version": ONNX_OPSET}
    with quiet_exporters(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        torch.onnx.export(module, example, path, dynamo=False, **form)
        return path.read_bytes()


def output_names(cut: Cut, scales: int = 3) -> tuple[str, ...]:
    """The names of the exported outputs, in order."""
    if cut == "decoded":
        return ("boxes", "scores")
    return tuple(name for scale in range(scales) for name in (f"box{scale}", f"class{scale}"))


@contextlib.contextmanager
def quiet_exporters() -> Iterator[None]:
    """Keep exporters' progress and warnings off the terminal; turn their failures into ConversionError."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except (OSError, MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConversionError(f"the graph cannot be exported: {first[:300]}", "a graph of convolutional layers") from error
    finally:
        logging.disable(level)
