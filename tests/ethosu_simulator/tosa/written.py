"""A TFLite file as a TOSA graph: by Arm's converter, mended where it is wrong, and by the serializer of the reference model.

Both live in environments of their own in the cache folder; the converter's is made from the lock beside this file. What
tosa-converter-for-tflite 2026.2.0 gets wrong is written here: operators on 32-bit integers, which it scales as if they were 8
bits wide or, DIV, turns into a reciprocal, and tables of 16 bits, whose results have 7 more bits in TOSA.
"""

from __future__ import annotations

import re
from pathlib import Path

from core.processes import run_child
from core.progress import to_nobody
from core.tool_environment import tool_python
from ethosu_simulator import container
from targets.tosa import reference

LOCK = Path(__file__).with_name("requirements.lock")
TIME_LIMIT_S = 120.0
CONVERTED, BY_HAND, MENDED = "by the converter", "by hand", "by the converter, its table mended"
PLAIN = {"ADD": "tosa.add", "SUB": "tosa.sub", "DIV": "tosa.intdiv"}
"""Operators of 32-bit integers without scales -> TOSA's."""
LEFT = re.compile(r'(?:= |")(tfl\.\w+)')
"""An operator that is still TFLite's."""
WIDE_TABLE = re.compile(
    r"(?P<to>%\d+) = tosa.table (?P<of>%\w+), (?P<table>%\d+) : "
    r"\(tensor<(?P<shape>[\dx]+)xi16>, tensor<513xi16>\) -> tensor<[\dx]+xi16>"
)
SEVEN_BITS = """\
%half = "tosa.const"() <{values = dense<1073741824> : tensor<1xi32>}> : () -> tensor<1xi32>
%seven = "tosa.const"() <{values = dense<37> : tensor<1xi8>}> : () -> tensor<1xi8>
%none = "tosa.const"() <{values = dense<0> : tensor<1xi32>}> : () -> tensor<1xi32>
%zero = "tosa.const"() <{values = dense<0> : tensor<1xi16>}> : () -> tensor<1xi16>
%wide = tosa.table $of, $table : (tensor<$shapexi16>, tensor<513xi16>) -> tensor<$shapexi32>
$to = tosa.rescale %wide, %half, %seven, %none, %zero {input_unsigned = false, output_unsigned = false, per_channel = false, \
rounding_mode = SINGLE_ROUND, scale32 = true} : (tensor<$shapexi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, \
tensor<1xi16>) -> tensor<$shapexi16>"""
"""A table's result without its 7 more bits, rounded half up as TFLite does."""


class NotWritten(Exception):
    """Why a graph cannot be written as TOSA."""


def tosa_of(tflite: Path, folder: Path) -> tuple[Path, str]:
    """(the TOSA file of a TFLite file, how it was written); NotWritten with the tool's words, ToolMissing without the tools."""
    text, how = plain_integers(container.parse(tflite.read_bytes())), BY_HAND
    if not text:
        text, how = _converted(tflite, folder), CONVERTED
        mended = WIDE_TABLE.sub(lambda match: _filled(match.groupdict()), text, count=1)
        text, how = (text, how) if mended == text else (mended, MENDED)
    dialect, made = folder / f"{tflite.stem}.mlir", folder / f"{tflite.stem}.tosa"
    dialect.write_text(text, "utf-8")
    optimiser = tool_python("tosa-reference-model", reference.LOCK, to_nobody).with_name("tosa-opt")
    flags = ("--tosa-convert-integer-type-to-signless", "--tosa-serialize", f"--tosa-flatbuffer-filename={made}")
    _run(optimiser, *flags, dialect)
    if not made.is_file():
        raise NotWritten("the serializer wrote nothing")
    return made, how


def _converted(tflite: Path, folder: Path) -> str:
    """What the converter makes of a file, in TOSA's dialect."""
    converter = tool_python("tosa-converter-for-tflite", LOCK, to_nobody).with_name("tosa-converter-for-tflite")
    dialect = folder / f"{tflite.stem}-converted.mlir"
    _run(converter, tflite, "--text", "-o", dialect)
    text = dialect.read_text("utf-8")
    left = LEFT.search(text)
    if left:
        raise NotWritten(f"the converter leaves `{left[1]}` as it is")
    return text


def _filled(parts: dict[str, str]) -> str:
    text = SEVEN_BITS
    for name in sorted(parts, key=len, reverse=True):
        text = text.replace(f"${name}", parts[name])
    return text


def plain_integers(model: container.Container) -> str:
    """A graph of one operator on 32-bit integers in TOSA's dialect; "" for any other."""
    (first, *others) = model.operators
    tensors = model.tensors
    if others or first.name not in PLAIN or any(tensors[place].dtype != "int32" for place in first.inputs):
        return ""
    kinds = {place: f"tensor<{'x'.join(map(str, tensors[place].shape))}xi32>" for place in (*first.inputs, *first.outputs)}
    names = {place: f"%arg{number}" for number, place in enumerate(model.inputs)}
    lines = []
    for place in first.inputs:
        if place not in names:
            names[place] = f"%c{place}"
            content = bytes(tensors[place].data).hex()
            lines.append(
                f'%c{place} = "tosa.const"() <{{values = dense<"0x{content}"> : {kinds[place]}}}> : () -> {kinds[place]}'
            )
    result, taken = kinds[first.outputs[0]], ", ".join(kinds[place] for place in first.inputs)
    operands = ", ".join(names[place] for place in first.inputs)
    lines += [f"%made = {PLAIN[first.name]} {operands} : ({taken}) -> {result}", f"return %made : {result}"]
    given = ", ".join(f"{names[place]}: {kinds[place]}" for place in model.inputs)
    body = "\n".join(lines)
    return f"module {{\nfunc.func @main({given}) -> {result} {{\n{body}\n}}\n}}\n"


def _run(*command: str | Path) -> None:
    done = run_child(command, timeout_s=TIME_LIMIT_S)
    said = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower()]
    if done.returncode or said:
        why = (said or [f"{Path(command[0]).name} ended with {done.returncode}"])[0]
        raise NotWritten(why.rpartition("error: ")[2].removeprefix("[ERROR] "))
