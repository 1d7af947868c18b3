"""A Vela as a board support package brings it: an executable somewhere, which runs the real one."""

from __future__ import annotations

from pathlib import Path

from conversion.vela import vela_executable


def bsp_vela(path: Path, comment: str = "") -> Path:
    """The path of a script that is the installed Vela under another name; another comment makes other bytes of it."""
    path.write_text(f'#!/bin/sh\n{comment}\nexec "{vela_executable()}" "$@"\n')
    path.chmod(0o755)
    return path
