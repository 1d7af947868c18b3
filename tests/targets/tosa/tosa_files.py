"""Writes TOSA graphs of one max pool, as the schema says."""

from __future__ import annotations

from tests.ethosu_simulator.pte_files import Flat

INT8 = 3
MAX_POOL2D = 8
PROPAGATE = 1


def max_pool(height: int = 8, width: int = 8, channels: int = 16, dtype: int = INT8, kind: int = MAX_POOL2D) -> bytes:
    """A .tosa of a 2 x 2 max pool with stride 2, `x` -> `y`; `kind` may be another operator's number."""
    flat = Flat()
    kernel, stride, pad = (flat.numbers(numbers) for numbers in ((2, 2), (2, 2), (0, 0, 0, 0)))
    attribute = flat.table((0, "offset", kernel), (1, "offset", stride), (2, "offset", pad), (3, "Uint32", PROPAGATE))
    inputs, outputs = (flat.offsets([flat.text(name)]) for name in "xy")
    operator = flat.table(
        (0, "Uint32", kind), (1, "Uint8", MAX_POOL2D), (2, "offset", attribute), (3, "offset", inputs), (4, "offset", outputs)
    )
    tensors = []
    for name, shape in (("x", (1, height, width, channels)), ("y", (1, height // 2, width // 2, channels))):
        said, sizes = flat.text(name), flat.numbers(shape)
        tensors.append(flat.table((0, "offset", said), (1, "offset", sizes), (2, "Uint32", dtype)))
    taken, given = (flat.offsets([flat.text(name)]) for name in "xy")
    operators, all_tensors = flat.offsets([operator]), flat.offsets(tensors)
    main = flat.text("main")
    block = flat.table(
        (0, "offset", main), (1, "offset", operators), (2, "offset", all_tensors), (3, "offset", taken), (4, "offset", given)
    )
    blocks = flat.offsets([block])
    region = flat.table((0, "offset", main), (1, "offset", blocks))
    regions = flat.offsets([region])
    version = flat.table((0, "Int32", 1), (1, "Int32", 0), (2, "Int32", 0), (3, "Bool", False))
    flat.builder.Finish(flat.table((0, "offset", version), (1, "offset", regions)), file_identifier=b"TOSA")
    return bytes(flat.builder.Output())
