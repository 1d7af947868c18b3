"""`ethos-bench init`: files to begin with, in the user's own repository."""

from __future__ import annotations

from pathlib import Path

import click

from core.errors import UsageError
from core.files import storage_errors, write_whole
from harness.cli.failing import exits_cleanly
from harness.cli.saying import say

TEMPLATES = Path(__file__).with_name("templates")
FILES = {"targets.toml": "targets.toml", "acceptance.toml": "acceptance.toml", "npu.yml": ".github/workflows/npu.yml"}
"""Template -> where it goes."""


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@exits_cleanly
def init_command(folder: Path) -> None:
    """Write targets.toml, acceptance.toml and a GitHub workflow with comments into FOLDER; a file that is there stays."""
    if not folder.is_dir():
        raise UsageError(f"`{folder}` is no folder", "the folder of your repository", f"mkdir {folder}")
    for template, place in FILES.items():
        path = folder / place
        if path.exists() or path.is_symlink():
            say(f"kept     {path}: it was there")
            continue
        with storage_errors(f"write `{path}`", "a folder that can be written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, (TEMPLATES / template).read_text("utf-8"))
        say(f"written  {path}")
