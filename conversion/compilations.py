"""Compilations from the cache: one folder per int8 file, profile and Vela version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from conversion.vela import compile_model, vela_executable, vela_version
from conversion.vela_options import VelaOptions
from core.cache import entry
from core.progress import Progress, on_stderr
from core.records.artefact import Compilation, ModelFile
from core.records.profile import Profile

RECORD = TypeAdapter(Compilation)


def compiled(int8: ModelFile, profile: Profile, vela: VelaOptions, tell: Progress = on_stderr) -> Compilation:
    """The compilation of an int8 file for a profile, by the Vela that `vela` names or the installed one."""
    parts = {
        "model": int8.sha256,
        "profile": profile.identity,
        "vela": vela_version(vela_executable(vela.vela)),
        "arguments": list(vela.arguments()),
    }

    def make(folder: Path) -> None:
        made = compile_model(int8, profile, folder, vela.vela, vela.arguments())
        (folder / "compilation.json").write_bytes(RECORD.dump_json(made))

    folder = entry("compile", parts, make, tell=tell)
    kept = RECORD.validate_json((folder / "compilation.json").read_bytes())
    return replace(
        kept,
        profile=profile,
        compiled=replace(kept.compiled, path=folder / kept.compiled.path.name),
        debug_database=folder / kept.debug_database.name if kept.debug_database else None,
    )
