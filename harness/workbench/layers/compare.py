"""A row per operator: how far int8 lies from float, and the NPU from int8."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from conversion.compilations import compiled
from conversion.pipeline import Source
from conversion.vela_layers import read_layers
from conversion.vela_options import VelaOptions
from core.errors import ModelError, RunError
from core.progress import Progress
from core.records.placement import PlacedOperator
from core.records.profile import Profile
from core.records.unavailable import Unavailable
from core.tflite.graph import Operator, TfliteGraph
from harness.tasks.detect.letterbox import letterbox
from harness.tasks.images import read_image
from harness.tasks.picture import picture
from harness.tasks.pixels import in_colours
from harness.workbench.layers.errors import Departure, departure, differing
from harness.workbench.layers.values import float_values, int8_values, real
from targets.layer_values import NpuValues, npu_values

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One operator of the int8 file. `quantisation` is int8 against float, `npu_differing` elements of the NPU against int8.

    `steps` is the largest difference to float in quantisation steps of the tensor. What is None was not there to compare, and
    `unseen` says why for the NPU.
    """

    index: int
    operator: str
    name: str
    where: str
    elements: int
    quantisation: Departure | None
    steps: float | None
    npu: Departure | None
    npu_differing: int | None
    unseen: str


@dataclass(frozen=True)
class Comparison:
    """All rows in file order, what ran where, and whether the int8 graph and the NPU agree on every output."""

    profile: str
    rows: tuple[LayerRow, ...]
    ran: str
    outputs_differing: int

    def first_npu_departure(self) -> LayerRow | None:
        """The first layer whose NPU bytes are not those of TFLite Micro."""
        return next((row for row in self.rows if row.npu_differing), None)

    def first_quantisation_departure(self, tolerance: float) -> LayerRow | None:
        """The first layer whose int8 values lie more than `tolerance` in cosine error from float."""
        return next((row for row in self.rows if row.quantisation and row.quantisation.cosine > tolerance), None)

    def largest_growth(self) -> LayerRow | None:
        """The layer at which the cosine error to float grows most over the worst of the layers before it."""
        worst, growth, found = 0.0, 0.0, None
        for row in self.rows:
            if row.quantisation is None:
                continue
            if row.quantisation.cosine - worst > growth:
                growth, found = row.quantisation.cosine - worst, row
            worst = max(worst, row.quantisation.cosine)
        return found


@dataclass(frozen=True)
class Layers:
    """The int8 and float values of one image, to hold several profiles against."""

    source: Source
    image: Array
    int8: Mapping[int, Array]
    floats: Mapping[str, Array]

    def on(self, profile: Profile, vela: VelaOptions, tell: Progress) -> Comparison:
        """The comparison on one profile: compiled, simulated with every command's output kept, and held against int8."""
        tell(f"compiling for {profile.name}")
        compilation = compiled(self.source.int8, profile, vela, tell)
        tell(f"simulating {profile.accelerator_config}")
        if compilation.debug_database is None:
            raise RunError("the compilation has no debug database", "Vela's *_debug.xml beside the compiled file")
        npu = npu_values(compilation, read_layers(compilation.debug_database), self.image, tell)
        places = {operator.index: operator for operator in compilation.placement.operators}
        graph = self.source.graph
        rows = tuple(
            self._row(operator, places[operator.index], npu, graph) for operator in graph.operators if operator.outputs
        )
        wanted = [self.int8[tensor.index] for tensor in graph.outputs]
        different = sum(differing(a, b) for a, b in zip(npu.outputs, wanted, strict=True))
        return Comparison(profile.name, rows, npu.sign, different)

    def _row(self, operator: Operator, place: PlacedOperator, npu: NpuValues, graph: TfliteGraph) -> LayerRow:
        tensor = graph.tensors[operator.outputs[0]]
        ints = self.int8[tensor.index]
        values = real(ints, tensor.scales, tensor.zero_points)
        floats = self.floats.get(tensor.name)
        comparable = floats is not None and floats.size == values.size
        quantisation = departure(floats, values) if comparable and floats is not None else None
        own = npu.tensor(tensor.name, tensor.shape, tensor.dtype)
        return LayerRow(
            index=operator.index,
            operator=operator.kind,
            name=tensor.name,
            where=place.where,
            elements=tensor.elements,
            quantisation=quantisation,
            steps=quantisation.maximum / tensor.scales[0] if quantisation and tensor.scales else None,
            npu=None if own is None else departure(values, real(own, tensor.scales, tensor.zero_points)),
            npu_differing=None if own is None else differing(ints, own),
            unseen="" if own is not None else unseen(operator, place, npu.assembly.turned, graph),
        )


def unseen(operator: Operator, place: PlacedOperator, turned: Container[str], graph: TfliteGraph) -> str:
    """Why an operator's output exists nowhere on the NPU as a tensor of its own."""
    readers = graph.consumers.get(operator.outputs[0], ())
    reader = readers[0] if readers else None
    if place.where == "elided":
        return "elided: no work"
    if reader is None or operator.output_name in turned:
        return "stored turned"
    if reader.kind == "CONCATENATION":
        return f"part of #{reader.index}"
    return f"in #{reader.index}"


def layers_of(source: Source, image: Path, floating: Path | None, threads: int, tell: Progress) -> Layers:
    """One image through the int8 graph and, when there is one, the float graph; ModelError when the file takes no image.

    The image is letterboxed to the model's size, in its colours, layout and type.
    """
    graph, shown = source.graph, picture(source.graph)
    if isinstance(shown, Unavailable) or len(graph.inputs) != 1 or shown.form.batch != 1:
        found = ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in graph.inputs)
        raise ModelError(f"`{source.int8.path}` takes {found}", "one image of 1 or 3 channels, [1, H, W, C] or [1, C, H, W]")
    canvas, _ = letterbox(in_colours(read_image(image), shown.form.channels), shown.form.sides)
    (tensor,) = shown.filled([canvas])
    floats: dict[str, Array] = {}
    if floating is not None:
        tell("float graph in LiteRT")
        floats = float_values(floating, canvas, threads)
    tell("int8 graph in TFLite Micro")
    ints = int8_values(source.int8.path.read_bytes(), graph, tensor, source.int8.path.name)
    return Layers(source, tensor, ints, floats)
