"""The one strict reader of JSON that others wrote: what it gives can be written again, kept in a database, and printed."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from core.files import MOST_TEXT_BYTES, read_regular

MOST_DIGITS = 20
"""Of a whole number: 2**64 has as many."""
UNKEPT = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
"""How JSON spells what no database keeps: NUL, and halves of surrogate pairs (whole pairs are looked at more closely)."""
PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
UNKEPT_LETTER = re.compile("[\0\ud800-\udfff]")
NUMBER_WORDS = "a finite number of at most 20 digits"


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError for what is none, for numbers that are none, for depth, NUL and lone surrogates."""
    read = text.decode("utf-8") if isinstance(text, bytes) else text
    if UNKEPT.search(read) and UNKEPT.search(PAIR.sub("", read.replace("\\\\", ""))):
        raise ValueError("it holds NUL or half a surrogate pair, which is no text")
    try:
        return json.loads(read, parse_constant=_no_number, parse_float=_float, parse_int=_int)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, most_bytes: int = MOST_TEXT_BYTES) -> Any:
    """The value in a regular file of bounded size; OSError when it cannot be read, ValueError as `parse_json`."""
    return parse_json(read_regular(path, most_bytes))


def keepable(text: str) -> str:
    """The text with NUL and halves of surrogate pairs written out: they come from names of files and from other programs."""
    return UNKEPT_LETTER.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:MOST_DIGITS]} is not {NUMBER_WORDS}")
    return number


def _int(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"{text[:MOST_DIGITS]}... is not {NUMBER_WORDS}")
    return int(text)


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is not {NUMBER_WORDS}")
