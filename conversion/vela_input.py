"""What Vela is given of a TFLite file: the file itself, or a copy that Vela's own outputs can be read back from.

Vela writes names of tensors into a debug database without escaping them, and gives the operators of several graphs the same
numbers: a copy has plain names where they are odd, and the first graph alone. Before 5.0 it reads constants that lie behind the
flatbuffer as empty: a copy has them inside.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conversion.file_kinds import TOSA, file_kind
from conversion.rewrites import ModelCopy, constants_behind
from core.errors import ModelError
from core.records.placement import Placement
from core.tflite.graph import TfliteGraph, parse

UNREADABLE = ('"', "]]>", "\ufffd")
"""What ends a cell or a table of Vela's debug database early; the last one stands for bytes that are no text."""
READS_BEHIND = 5
"""The first major version of Vela that reads constants behind the flatbuffer: 4.5.0 does not, 5.0.0 does."""


@contextmanager
def vela_input(path: Path, graph: TfliteGraph, lost: int) -> Iterator[tuple[Path, TfliteGraph]]:
    """The file to give to a Vela that reads `lost` of its constants as empty, and its graph.

    Those of `path`, or those of a copy of the same file name.
    """
    odd = [tensor.index for tensor in graph.tensors if not _plain(tensor.name)]
    if file_kind(path) == TOSA:
        if odd:
            raise ModelError(f"`{path.name}` names a tensor {graph.tensors[odd[0]].name!r}", "printable names without quotes")
        yield path, graph
        return
    if not odd and not graph.others and not lost:
        yield path, graph
        return
    copy = ModelCopy(path.read_bytes())
    for index in odd:
        copy.tensors[index].name = f"tensor_{index}".encode()
    if graph.others:
        copy.keep_first_graph()
    data = copy.to_bytes()
    with tempfile.TemporaryDirectory(prefix="ethos-bench-") as folder:
        given = Path(folder) / path.name
        given.write_bytes(data)
        yield given, parse(data, graph.name)


def constants_lost(path: Path, version: str) -> int:
    """How many constants of a TFLite file a Vela of that version would read as empty; none of a TOSA graph."""
    if file_kind(path) == TOSA or int(version.split(".")[0]) >= READS_BEHIND:
        return 0
    return constants_behind(path.read_bytes())


def with_names_of(graph: TfliteGraph, placement: Placement) -> Placement:
    """The placement of a copy with the names that the operators have in the file itself."""
    names = {operator.index: operator.output_name for operator in graph.operators}
    return replace(
        placement, operators=tuple(replace(operator, name=names[operator.index]) for operator in placement.operators)
    )


def _plain(name: str) -> bool:
    return name.isprintable() and not any(mark in name for mark in UNREADABLE)
