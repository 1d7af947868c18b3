"""What kind of file a model is in, by what its bytes begin with."""

from __future__ import annotations

from pathlib import Path

TFLITE, TOSA = "TFLite file", "TOSA graph"
PROGRAM, RAW = "ExecuTorch program", "raw npz of Vela"
COMPILED = (PROGRAM, RAW)
"""Kinds that hold streams of an NPU already, and not the operators that these were made of."""
MARKS = {b"ET12": PROGRAM, b"PK\x03\x04": RAW, b"TOSA": TOSA}


def file_kind(path: Path) -> str:
    """The kind of a file; a TFLite file where the bytes say nothing else, or there is none: its reader says what is wrong."""
    if not path.is_file():
        return TFLITE
    with path.open("rb") as file:
        begin = file.read(8)
    return MARKS.get(begin[4:8]) or MARKS.get(begin[:4]) or TFLITE
