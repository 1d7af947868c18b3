"""Operators that move, cut and repeat, and reductions, as layers: (graph, source tensor) -> output tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.ethosu_simulator.generator.graph import Graph, Unsupported, as_image, reshape

Layer = Callable[[Graph, int], int]


def resize(kind: str, options_type: str) -> Layer:
    """RESIZE_* by 2, 4 or 8, or U85's other factors."""

    def build(graph: Graph, source: int) -> int:
        image = graph.shape(source)
        if image[1] * image[2] * image[3] > 4000:
            raise Unsupported("a large resize")
        factor = graph.pick(2, 2, 4, 8, 3)
        size = [image[1] * factor, image[2] * factor]
        options = getattr(schema, f"{options_type}T")()
        options.alignCorners = graph.chance(0.25)
        if options.alignCorners:
            size = [(n - 1) * factor + 1 for n in image[1:3]]
        options.halfPixelCenters = not options.alignCorners and graph.chance(0.5)
        return graph.operator(kind, [source, graph.numbers(size)], graph.like(source, (1, *size, image[3])), options)

    return build


def concatenation(graph: Graph, source: int) -> int:
    """CONCATENATION of two or three tensors along a random axis."""
    image, axis = graph.shape(source), graph.pick(1, 2, 3, 3)
    parts = [source]
    for _ in range(graph.pick(1, 1, 2)):
        other = tuple(graph.size() if i == axis else n for i, n in enumerate(image))
        parts.append(graph.input(other, *graph.quantisation(source)))
    if graph.chance(0.5):
        parts.reverse()
    output = [n if i != axis else sum(graph.shape(part)[axis] for part in parts) for i, n in enumerate(image)]
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    return graph.operator("CONCATENATION", parts, graph.like(source, output), options)


def pad(graph: Graph, source: int) -> int:
    """PAD or PADV2 in height, width and depth."""
    image = graph.shape(source)
    pads = [[0, 0]] + [[graph.size(0, 4), graph.size(0, 4)] for _ in range(3)]
    if graph.chance(0.4):
        pads[3] = [0, 0]
    output = graph.like(source, [n + sum(p) for n, p in zip(image, pads, strict=True)])
    if graph.chance(0.4):
        scale, zero = graph.quantisation(source)
        value = graph.constant(graph.elements((1,)).reshape(()), [scale], zero)
        return graph.operator("PADV2", [source, graph.numbers(pads), value], output, schema.PadV2OptionsT())
    return graph.operator("PAD", [source, graph.numbers(pads)], output, schema.PadOptionsT())


def mirror_pad(graph: Graph, source: int) -> int:
    """MIRROR_PAD, reflecting or symmetric."""
    image, options = graph.shape(source), schema.MirrorPadOptionsT()
    options.mode = graph.pick(schema.MirrorPadMode.REFLECT, schema.MirrorPadMode.SYMMETRIC)
    room = 1 if options.mode == schema.MirrorPadMode.REFLECT else 0
    pads = [[0, 0]] + [[graph.size(0, max(0, min(4, n - room))), graph.size(0, max(0, min(4, n - room)))] for n in image[1:]]
    pads[3] = [0, 0]  # Vela 5.2.0 leaves the depth of a MIRROR_PAD unwritten
    output = graph.like(source, [n + sum(p) for n, p in zip(image, pads, strict=True)])
    return graph.operator("MIRROR_PAD", [source, graph.numbers(pads)], output, options)


def strided_slice(graph: Graph, source: int) -> int:
    """STRIDED_SLICE, strides 1 to 3 over height and width."""
    image = graph.shape(source)
    begin = [0, *(graph.size(0, (n - 1) // 2) for n in image[1:])]
    end = [1, *(graph.size(b + 1, n) for b, n in zip(begin[1:], image[1:], strict=True))]
    strides = [1, graph.pick(1, 2, 3), graph.pick(1, 2, 3), 1]
    output = tuple(-(-(e - b) // s) for b, e, s in zip(begin, end, strides, strict=True))
    constants = [graph.numbers(values) for values in (begin, end, strides)]
    return graph.operator("STRIDED_SLICE", [source, *constants], graph.like(source, output), schema.StridedSliceOptionsT())


def slice_(graph: Graph, source: int) -> int:
    """SLICE."""
    image = graph.shape(source)
    begin = [0, *(graph.size(0, (n - 1) // 2) for n in image[1:])]
    size = [1, *(graph.size(1, n - b) for b, n in zip(begin[1:], image[1:], strict=True))]
    inputs = [source, graph.numbers(begin), graph.numbers(size)]
    return graph.operator("SLICE", inputs, graph.like(source, size), schema.SliceOptionsT())


def transpose(graph: Graph, source: int) -> int:
    """TRANSPOSE of height, width and depth."""
    image = graph.shape(source)
    order = [0, *(int(i) + 1 for i in graph.random.permutation(3))]
    output = graph.like(source, [image[i] for i in order])
    return graph.operator("TRANSPOSE", [source, graph.numbers(order)], output, schema.TransposeOptionsT())


def split(graph: Graph, source: int) -> int:
    """SPLIT in two along an axis, and the parts put together the other way round; SPLIT_V where it is uneven."""
    image = graph.shape(source)
    axis = graph.pick(1, 2, 3)
    if image[axis] < 2:
        raise Unsupported("nothing to split")
    sizes = [image[axis] // 2, image[axis] - image[axis] // 2]
    parts = [graph.like(source, [size if i == axis else n for i, n in enumerate(image)]) for size in sizes]
    if sizes[0] == sizes[1] and graph.chance(0.6):
        options = schema.SplitOptionsT()
        options.numSplits = 2
        graph.model.operator("SPLIT", [graph.numbers(axis), source], parts, options)
    else:
        options_v = schema.SplitVOptionsT()
        options_v.numSplits = 2
        graph.model.operator("SPLIT_V", [source, graph.numbers(sizes), graph.numbers(axis)], parts, options_v)
    join = schema.ConcatenationOptionsT()
    join.axis = axis
    return graph.operator("CONCATENATION", parts[::-1], graph.like(source), join)


def pack(graph: Graph, source: int) -> int:
    """PACK with a second input along a new axis, then a RESHAPE to four dimensions."""
    image = graph.shape(source)[1:]
    first = reshape(graph, source, image)
    second = graph.input(image, *graph.quantisation(source))
    options = schema.PackOptionsT()
    options.axis, options.valuesCount = graph.size(0, 2), 2
    packed = graph.operator("PACK", [first, second], graph.like(source, np.insert(image, options.axis, 2).tolist()), options)
    shape = graph.shape(packed)
    return reshape(graph, packed, (1, shape[0] * shape[1], *shape[2:]))


def unpack(graph: Graph, source: int) -> int:
    """UNPACK along a short axis, and an ADD of two of its parts."""
    image = graph.shape(source)
    axis = graph.pick(1, 2)
    if not 2 <= image[axis] <= 6:
        raise Unsupported("too much to unpack")
    rest = [n for i, n in enumerate(image) if i != axis]
    parts = [graph.like(source, rest) for _ in range(image[axis])]
    options = schema.UnpackOptionsT()
    options.axis, options.num = axis, image[axis]
    graph.model.operator("UNPACK", [source], parts, options)
    total = graph.operator("ADD", [parts[0], parts[-1]], graph.activation(rest), schema.AddOptionsT())
    return reshape(graph, total, (1, 1, *rest[1:]))


def tile(graph: Graph, source: int) -> int:
    """TILE of height, width and depth."""
    image, times = graph.shape(source), [1, graph.size(1, 3), graph.size(1, 3), graph.size(1, 3)]
    output = graph.like(source, [n * t for n, t in zip(image, times, strict=True)])
    return graph.operator("TILE", [source, graph.numbers(times)], output, schema.TileOptionsT())


def reverse(graph: Graph, source: int) -> int:
    """REVERSE_V2 along one axis."""
    axis = graph.numbers([graph.pick(1, 2, 3)])
    return graph.operator("REVERSE_V2", [source, axis], graph.like(source), schema.ReverseV2OptionsT())


def expand(graph: Graph, source: int) -> int:
    """EXPAND_DIMS, SQUEEZE and a RESHAPE that changes the shape."""
    _, height, width, depth = graph.shape(source)
    shape = (1, height, 1, width, depth)
    wider = graph.operator("EXPAND_DIMS", [source, graph.numbers(2)], graph.like(source, shape), schema.ExpandDimsOptionsT())
    options = schema.SqueezeOptionsT()
    options.squeezeDims = [0]
    narrow = graph.operator("SQUEEZE", [wider], graph.like(source, shape[1:]), options)
    return reshape(graph, narrow, (1, width, height, depth))


def gather(graph: Graph, source: int) -> int:
    """GATHER of rows by constant or computed places."""
    _, height, width, depth = graph.shape(source)
    table = reshape(graph, source, (height * width, depth))
    places = graph.random.integers(0, height * width, (graph.size(1, 20),)).astype(np.int32)
    options = schema.GatherOptionsT()
    options.axis = options.batchDims = 0
    taken = graph.operator("GATHER", [table, graph.constant(places)], graph.like(source, (len(places), depth)), options)
    return reshape(graph, taken, (1, 1, len(places), depth))


def scatter_nd(graph: Graph, source: int) -> int:
    """SCATTER_ND of rows to distinct places."""
    _, height, width, depth = graph.shape(source)
    rows = height * width
    updates = reshape(graph, source, (rows, depth))
    room = rows + graph.size(0, 8)
    places = graph.random.permutation(room)[:rows].astype(np.int32).reshape(rows, 1)
    inputs = [graph.constant(places), updates, graph.numbers([room, depth])]
    scattered = graph.operator("SCATTER_ND", inputs, graph.like(source, (room, depth)), schema.ScatterNdOptionsT())
    return reshape(graph, scattered, (1, 1, room, depth))


def reduce(kind: str) -> Layer:
    """A reduction of height, width, both, or depth."""

    def build(graph: Graph, source: int) -> int:
        image = graph.shape(source)
        # Vela 5.2.0 reduces a SUM along its first axis only.
        axes = graph.pick([1], [2], [3]) if kind == "SUM" else graph.pick([1, 2], [1, 2], [1], [2], [3])
        output = tuple(1 if i in axes else n for i, n in enumerate(image))
        options: Any = schema.ReducerOptionsT()
        options.keepDims = True
        if kind.startswith("REDUCE"):
            result = graph.like(source, output)
        else:
            count = int(np.prod([image[i] for i in axes])) if kind == "SUM" else 1
            near = graph.quantisation(source)[0] * np.sqrt(count) * np.exp(graph.random.uniform(-0.5, 1))
            result = graph.activation(output, float(np.float32(near)))
        return graph.operator(kind, [source, graph.numbers(axes)], result, options)

    return build


def arg_max(graph: Graph, source: int) -> int:
    """ARG_MAX over depth: ends a graph, its output is int32."""
    image = graph.shape(source)
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    output = graph.model.tensor(image[:3], dtype="INT32", scale=None)
    return graph.operator("ARG_MAX", [source, graph.numbers([3])], output, options)


def cast(graph: Graph, source: int) -> int:
    """CAST to int32: ends a graph."""
    output = graph.model.tensor(graph.shape(source), dtype="INT32", scale=1.0)
    return graph.operator("CAST", [source], output, schema.CastOptionsT())


LAYERS: dict[str, Layer] = {
    "resize_nearest": resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "resize_bilinear": resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "concatenation": concatenation,
    "pad": pad,
    "mirror_pad": mirror_pad,
    "strided_slice": strided_slice,
    "slice": slice_,
    "transpose": transpose,
    "split": split,
    "pack": pack,
    "unpack": unpack,
    "tile": tile,
    "reverse": reverse,
    "expand": expand,
    "gather": gather,
    "scatter_nd": scatter_nd,
    "mean": reduce("MEAN"),
    "sum": reduce("SUM"),
    "reduce_max": reduce("REDUCE_MAX"),
    "reduce_min": reduce("REDUCE_MIN"),
    "arg_max": arg_max,
    "cast": cast,
}
__all__ = ["LAYERS", "as_image"]
