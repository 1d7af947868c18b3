"""What the inference runner says on its serial port: how far it came, what went wrong, and the NPU's counters."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import RunError

COUNTERS = {
    "NPU ACTIVE": "active_cycles",
    "NPU IDLE": "idle_cycles",
    "NPU TOTAL": "total_cycles",
    "NPU AXI0_RD_DATA_BEAT_RECEIVED": "axi0_read_beats",
    "NPU AXI0_WR_DATA_BEAT_WRITTEN": "axi0_write_beats",
    "NPU AXI1_RD_DATA_BEAT_RECEIVED": "axi1_read_beats",
    "NPU ETHOSU_PMU_SRAM_RD_DATA_BEAT_RECEIVED": "sram_read_beats",
    "NPU ETHOSU_PMU_SRAM_WR_DATA_BEAT_WRITTEN": "sram_write_beats",
    "NPU ETHOSU_PMU_EXT_RD_DATA_BEAT_RECEIVED": "ext_read_beats",
    "NPU ETHOSU_PMU_EXT_WR_DATA_BEAT_WRITTEN": "ext_write_beats",
}
"""The firmware's name of a counter -> ours. U55 and U65 count on AXI0 and AXI1, U85 on its SRAM and external ports."""
CYCLES = ("active_cycles", "idle_cycles", "total_cycles")

BOOTED = re.compile(r"INFO - ")
FAILED = re.compile(r"ERROR - |TFLM - (?!$)|Invoke failed")
DRIVER = re.compile(r"^E: ")
COMPLETED = "Inference completed."
METRICS = re.compile(r"<metrics>(.*?)</metrics>")
MACS = re.compile(r"MACs/cc:\s+(\d+)")
COPIED = re.compile(r"(\d+) output tensor/s worth (\d+) bytes copied to")
ARENA = re.compile(r"tensor arena\) size used: (\d+)")
OPERATOR = re.compile(r"Operator \d+: (\S+)")
BANNER = re.compile(r"Ethos-U rev (\w+)")
"""Printed by the NPU model inside Arm's FVP when it starts, by nothing else."""
LICENCE = re.compile(r"licen[cs]e|flexlm|\bEULA\b", re.IGNORECASE)
WORDS_SHOWN = 400
NPU_OPERATOR = "ethos-u"
"""How a firmware lists an operator that is a command stream."""


@dataclass
class RunnerLog:
    """The lines of one run as they came, without control characters; methods read facts from them."""

    lines: list[str] = field(default_factory=list)

    def listen(self, line: str) -> None:
        """Take in one line."""
        self.lines.append("".join(character for character in line if character.isprintable() or character == "\t"))

    @property
    def text(self) -> str:
        """The whole log."""
        return "\n".join(self.lines)

    @property
    def inferences(self) -> tuple[RunnerLog, ...]:
        """The log cut behind each line that completes an inference; what follows the last one belongs to that."""
        ends = [number for number, line in enumerate(self.lines, 1) if COMPLETED in line][:-1]
        return tuple(RunnerLog(self.lines[start:end]) for start, end in zip([0, *ends], [*ends, None], strict=True))

    def inference_number(self, stream: int, streams: int) -> int:
        """Which inference gave the NPU the stream of that number, of so many; the last when the log cannot tell. From 0."""
        given = [one.operators.count(NPU_OPERATOR) for one in self.inferences]
        if sum(given) != streams:
            return len(given) - 1
        return next(number for number in range(len(given)) if stream < sum(given[: number + 1]))

    @property
    def booted(self) -> bool:
        """Whether the firmware said anything at all."""
        return bool(BOOTED.search(self.text))

    @property
    def completed(self) -> bool:
        """Whether the firmware said that the inference was completed."""
        return COMPLETED in self.text

    @property
    def npu_revision(self) -> str:
        """The revision that the NPU model of Arm's FVP prints at its start, "" when nothing printed one."""
        return _first(BANNER, self.text)

    @property
    def macs(self) -> int:
        """MACs per cycle that the NPU reported to the driver, 0 when none answered."""
        return int(_first(MACS, self.text) or 0)

    @property
    def arena_used_bytes(self) -> int:
        """Bytes of the tensor arena in use, 0 when the firmware did not come so far."""
        return int(_first(ARENA, self.text) or 0)

    @property
    def operators(self) -> tuple[str, ...]:
        """Kinds of the operators of the model that the firmware loaded, in file order."""
        return tuple(OPERATOR.findall(self.text))

    @property
    def output_bytes(self) -> int:
        """Bytes that the firmware copied to where outputs are read from, 0 when it copied none."""
        found = COPIED.search(self.text)
        return int(found.group(2)) if found else 0

    @property
    def errors(self) -> tuple[str, ...]:
        """Lines in which the firmware or TFLite Micro reports an error, each once."""
        return tuple(dict.fromkeys(line.strip() for line in self.lines if FAILED.search(line)))

    @property
    def reports(self) -> tuple[str, ...]:
        """The same with those of the NPU's driver, which may report what harms nobody."""
        return tuple(dict.fromkeys(line.strip() for line in self.lines if FAILED.search(line) or DRIVER.search(line)))

    @property
    def tail(self) -> str:
        """The last things said."""
        return _short([line.strip() for line in self.lines if line.strip()][-4:])

    def counters(self) -> dict[str, int]:
        """The NPU's counters by our names; RunError when the log holds none, or half of them."""
        blocks = METRICS.findall(self.text)
        if not blocks:
            cut = "the log ends inside them" if "<metrics>" in self.text else "the log has none"
            raise RunError(f"no NPU counters: {cut}; last: {self.tail}", "one <metrics> block")
        counters: dict[str, int] = {}
        for block in blocks:
            for name, value in _samples(block):
                if name in counters:
                    raise RunError(f"the firmware gives the counter {name} twice", "one inference in one run")
                counters[name] = value
        missing = [name for name in CYCLES if name not in counters]
        if missing:
            raise RunError(f"the firmware's counters lack {', '.join(missing)}", f"{', '.join(CYCLES)}")
        return counters


def _samples(block: str) -> list[tuple[str, int]]:
    """The counters of one block of base64 JSON: a list of groups, each with samples of one value."""
    try:
        groups: Any = json.loads(base64.b64decode(block, validate=True))
        found = [(sample["name"], int(sample["value"][0])) for group in groups for sample in group["samples"]]
    except (binascii.Error, ValueError, KeyError, TypeError, IndexError) as error:
        raise RunError(f"the NPU counters in the log cannot be read: {error!r}", "base64 JSON") from error
    if any(value < 0 for _, value in found):
        raise RunError("an NPU counter is negative", "counts")
    return [(COUNTERS.get(name, name), value) for name, value in found]


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else ""


def _short(lines: Sequence[str]) -> str:
    return " | ".join(lines)[:WORDS_SHOWN]
