"""`python -m tests.ethosu_simulator.networks`: every network on every configuration, into docs/reference/bit-exactness.md.

Each network sees a sequence of images, with its operators that Vela leaves to the CPU in TFLite Micro; the reference is TFLite
Micro on the uncompiled file and the same sequence, or TFLite's reference kernels where it lacks one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import ethosu_simulator
from core.errors import RunError
from ethosu_simulator import container
from targets.tflite_micro import cpu_operators, run_micro
from tests.checkout import CHECKOUT
from tests.ethosu_simulator.generator.compare import tflite_reference
from tests.ethosu_simulator.networks.kinds import KINDS, LENGTHS, build
from tests.ethosu_simulator.toolchain import ALL, Array, random_inputs
from tests.ethosu_simulator.velas import OURS, compile_with

PAGE = CHECKOUT / "docs" / "reference" / "bit-exactness.md"
BEGIN, END = "<!-- networks: begin -->\n", "<!-- networks: end -->\n"
IMAGES = 3
VELA_DIES = {("state", 2): ("state", 7)}
"""Networks that Vela 5.2.0 ends with SIGSEGV on, on every configuration, and those of equal length in their place."""
Names = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A network on a configuration: bytes that differ of those compared, or in words why there are none."""

    differing: int = 0
    compared: int = 0
    streams: int = 0
    left_to_the_cpu: int = 0
    refusal: str = ""

    def __str__(self) -> str:
        """What the table says."""
        return self.refusal or f"{self.differing} of {self.compared:,}"


@dataclass(frozen=True)
class Row:
    """A network: its operators, its size, its reference, and a cell for each configuration."""

    operators: int
    size_bytes: int
    oracle: str
    cells: tuple[Cell, ...]


def row(name: Names, configs: Iterable[str] = ALL) -> Row:
    """One network on each configuration."""
    content = build(*name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(content)
        images = [random_inputs(path, seed) for seed in range(IMAGES)]
        oracle, expected = _expected(content, images)
        cells = tuple(_cell(path, config, images, expected) for config in configs)
    return Row(len(container.parse(content).operators), len(content), oracle, cells)


def _expected(content: bytes, images: list[list[Array]]) -> tuple[str, list[list[Array]]]:
    outputs = len(container.parse(content).outputs)
    try:
        return "TFLite Micro", run_micro(content, images, outputs, 1 << 20, "network")
    except RunError:
        return "TFLite reference", tflite_reference(content, images)


def _cell(path: Path, config: str, images: list[list[Array]], expected: list[list[Array]]) -> Cell:
    try:
        file = compile_with(OURS, path, config, path.parent / config)
    except RuntimeError as error:
        return Cell(refusal=str(error))
    try:
        model = ethosu_simulator.load(file, npu=f"ethos-{config}")
        streams = sum(isinstance(operator, ethosu_simulator.NpuOperator) for operator in model.operators)
        with cpu_operators(file) as cpu:
            found = [
                model.run([v.reshape(t.shape) for v, t in zip(image, model.inputs, strict=True)], cpu=cpu) for image in images
            ]
    except (ethosu_simulator.SimulatorError, RunError) as error:
        return Cell(refusal=f"{type(error).__name__}: {error}"[:120])
    pairs = [pair for got, wanted in zip(found, expected, strict=True) for pair in zip(got, wanted, strict=True)]
    apart = sum(int((_bytes(got) != _bytes(wanted)).sum()) for got, wanted in pairs)
    return Cell(
        differing=apart,
        compared=sum(len(_bytes(got)) for got, _ in pairs),
        streams=streams,
        left_to_the_cpu=len(model.cpu_operators),
    )


def _bytes(values: Array) -> Array:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def names() -> list[Names]:
    """Every network."""
    every = [(kind, seed) for seed in range(len(LENGTHS)) for kind in KINDS]
    return [VELA_DIES.get(name, name) for name in every]


HEAD = (
    "| network | operators | kB | reference | `ethos-u` operators, on the CPU (u55-128) | " + " | ".join(ALL) + " |\n"
    "|---|---|---|---|---|" + "---|" * len(ALL) + "\n"
)


def line(name: Names, found: Row) -> str:
    """The network's line of the table."""
    shown = found.cells[ALL.index("u55-128")]
    parts = [" ".join(map(str, name)), str(found.operators), f"{found.size_bytes / 1000:.0f}", found.oracle]
    parts += [f"{shown.streams}, {shown.left_to_the_cpu}", *map(str, found.cells)]
    return "| " + " | ".join(parts) + " |\n"


def renewed(page: str, made: str) -> str:
    """The page with this line in its table instead of the one that the network has there, networks in their order."""
    head, rest = page.split(BEGIN)
    shown, tail = rest.split(END)
    lines = {_name(old): old for old in [*shown.removeprefix(HEAD).splitlines(keepends=True), made]}
    ordered = [lines[name] for name in sorted(lines, key=lambda name: _order(*name.rsplit(" ", 1)))]
    return head + BEGIN + HEAD + "".join(ordered) + END + tail


def _order(kind: str, seed: str) -> tuple[int, int]:
    return list(KINDS).index(kind), int(seed)


def _name(line: str) -> str:
    return line.split("|")[1].strip()


def main() -> int:
    """0 when no byte differs and nothing is refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="kinds or networks (`int8 3`), separated by commas")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the lines into the page's table")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(KINDS)
    chosen = [name for name in (*names(), *VELA_DIES) if name[0] in wanted or f"{name[0]} {name[1]}" in wanted]
    good = True
    with ProcessPoolExecutor(options.workers) as pool:
        for name, found in zip(chosen, pool.map(row, chosen), strict=True):
            good = good and (name in VELA_DIES or not any(cell.differing or cell.refusal for cell in found.cells))
            sys.stderr.write(line(name, found))  # standard output is Vela's
            if options.write:
                PAGE.write_text(renewed(PAGE.read_text(), line(name, found)))
    return int(not good)


if __name__ == "__main__":
    raise SystemExit(main())
