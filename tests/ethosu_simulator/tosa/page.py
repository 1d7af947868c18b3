"""docs/reference/simulator-tosa.md, made from the counts beside this file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.checkout import CHECKOUT
from tests.ethosu_simulator.generator.compare import EQUAL
from tests.ethosu_simulator.tosa.oracle import DIFFERS, NOT_RUN, NOT_WRITTEN, ON_CPU, REFUSED

PAGE = CHECKOUT / "docs" / "reference" / "simulator-tosa.md"
STATES = (EQUAL, DIFFERS, ON_CPU, REFUSED, NOT_RUN, NOT_WRITTEN)
COUNTED = re.compile(r" \(\d+ of \d+ .*\)$")
"""How many bytes differ, which is another number for each graph."""
INTRODUCTION = """\
Random graphs of [simulator-cases.md](simulator-cases.md) that TFLite Micro gives nothing for, because it has no kernel for
them or its process ends, written as TOSA and held against the TOSA reference model, in every byte of the output for two sets of
inputs.

- **Vela's file of the TFLite graph**: equal where TFLite's operator and TOSA's mean the same integers, and the NPU gives them.
- **Vela's file of the TOSA graph**: the NPU gives what TOSA defines. Anything but equal is a fault of Vela or of the simulator.

CPU: Vela leaves the operator to the CPU on that NPU, so that nothing is simulated; of a TOSA graph it refuses such an operator.
The program is `tests/ethosu_simulator/tosa/`; Arm's tosa-converter-for-tflite converts. It is wrong about three kinds, which
are written otherwise: ADD and SUB of 32-bit integers (it scales them by 2^19, as if they were 8 bits wide, which overflows: the
reference model calls that unpredictable), DIV of them (a RECIPROCAL, which TOSA has for floats only), and tables of 16 bits
(their results have 32 bits in TOSA).

Six of the graphs, RELU_0_TO_1 and RELU_N1_TO_1 of 16 bits, have no kernel in TFLite either: nothing was a reference for them
before. Found in Vela 5.2.0: where it joins the RESCALE to an unsigned output with MUL or MAXIMUM, its file of the TOSA graph
clips at 127, the largest signed byte, instead of 255; the simulator does what the stream says.
"""


def page(counts: dict[str, Any]) -> str:
    """The page of those counts."""
    cases: list[dict[str, str]] = counts["cases"]
    rows: dict[str, list[dict[str, str]]] = {}
    for one in cases:
        rows.setdefault(" ".join(one["case"].split("-")[:2]), []).append(one)
    held = [one for one in cases if any(one[side].startswith((EQUAL, DIFFERS)) for side in ("by_tflite", "by_tosa"))]
    return "\n".join(
        [
            "# Random graphs compared with the TOSA reference model",
            "",
            f"Written by `{counts['command']}` on {counts['date']} ({', '.join(counts['versions'])}): {len(cases)} of "
            f"{counts['count']:,} graphs, {len(held)} of them compared.",
            "",
            INTRODUCTION,
            "| operator and type | graphs | written | as TOSA's | Vela's file of the TFLite graph | of the TOSA graph |",
            "|---|---|---|---|---|---|",
            *(_row(name, rows[name]) for name in sorted(rows)),
            "",
            "## What was not compared, or differs",
            "",
            *_reasons(cases),
            "",
        ]
    )


def _row(name: str, own: Sequence[dict[str, str]]) -> str:
    kinds = dict.fromkeys(kind for one in own for kind in one["kinds"].split())
    how = ", ".join(dict.fromkeys(one["how"] for one in own if one["how"]))
    sides = (_states([one[side] for one in own]) for side in ("by_tflite", "by_tosa"))
    return f"| {name} | {len(own)} | {how or 'no'} | {', '.join(kinds)} | {' | '.join(sides)} |"


def _states(said: Sequence[str]) -> str:
    counts = Counter(one.partition(":")[0] for one in said)
    return ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])


def _reasons(cases: Sequence[dict[str, str]]) -> list[str]:
    """A line for each reason, with the operators that it stops."""
    stopped: dict[str, list[str]] = {}
    for one in cases:
        for side in ("by_tflite", "by_tosa"):
            if one[side].partition(":")[0] not in (EQUAL, ON_CPU):
                operators = stopped.setdefault(COUNTED.sub("", one[side]), [])
                name = " ".join(one["case"].split("-")[:3])
                if name not in operators:
                    operators.append(name)
    return [f"- {', '.join(names)}: {why}" for why, names in stopped.items()] or ["Nothing."]
