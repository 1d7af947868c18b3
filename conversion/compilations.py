"""Compilations from the cache: one folder per int8 file, profile and Vela version."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

import core.tflite
from conversion.vela import compile_model, vela_executable, vela_version
from core.cache import entry
from core.records.artefact import Compilation, ModelFile
from core.records.profile import Profile

RECORD = TypeAdapter(Compilation)
CODE = ("vela.py", "vela_outputs.py", "placement.py")


def compiled(int8: ModelFile, profile: Profile, vela: str) -> Compilation:
    """The compilation of an int8 file for a profile, by the Vela that `vela` names or the installed one."""
    parts = {
        "model": int8.sha256,
        "profile": profile.identity,
        "vela": vela_version(vela_executable(vela)),
        "code": _code(),
    }

    def make(folder: Path) -> None:
        (folder / "compilation.json").write_bytes(RECORD.dump_json(compile_model(int8, profile, folder, vela)))

    folder = entry("compile", parts, make)
    kept = RECORD.validate_json((folder / "compilation.json").read_bytes())
    return replace(
        kept,
        profile=profile,
        compiled=replace(kept.compiled, path=folder / kept.compiled.path.name),
        debug_database=folder / kept.debug_database.name if kept.debug_database else None,
    )


def _code() -> str:
    """A digest of the code that reads placements, so that a change of it makes them anew."""
    tflite = Path(core.tflite.__file__).parent
    files = [Path(__file__).parent / name for name in CODE] + sorted(tflite.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
