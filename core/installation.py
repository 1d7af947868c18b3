"""How this copy of ethos-bench was installed, and the line that adds something to just this kind of installation."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]
PACKAGE = "ethos-bench"
Kind = Literal["checkout", "uv tool", "uvx", "pipx", "pip"]


@dataclass(frozen=True, kw_only=True)
class Installation:
    """`source` is what stands behind `@` in a requirement, "" for a package of an index; `prefix` is the environment."""

    kind: Kind
    source: str
    python: str
    prefix: Path
    has_pip: bool
    root: Path = ROOT

    def line(self, extra: str = "") -> str:
        """The command that installs this copy anew, with an extra: it can be typed anywhere, in a checkout from its folder."""
        wanted = shlex.quote(self._requirement(extra))
        if self.kind == "checkout":
            if self.prefix == self.root / ".venv":
                return "make -B environment"
            return f"{self._pip()} -e {shlex.quote(f'{self.root}[{extra}]' if extra else str(self.root))}"
        starts = {
            "uv tool": "uv tool install --force",
            "uvx": "uvx --from",
            "pipx": "pipx install --force",
            "pip": self._pip(),
        }
        return f"{starts[self.kind]} {wanted}{f' {PACKAGE}' if self.kind == 'uvx' else ''}"

    def _requirement(self, extra: str) -> str:
        name = f"{PACKAGE}[{extra}]" if extra else PACKAGE
        return f"{name} @ {self.source}" if self.source else name

    def _pip(self) -> str:
        python = shlex.quote(self.python)
        return f"{python} -m pip install" if self.has_pip else f"uv pip install --python {python}"


def install_line(extra: str = "") -> str:
    """The command that installs this copy anew, with an extra."""
    return installation().line(extra)


@cache
def installation() -> Installation:
    """How the copy that runs was installed."""
    try:
        written = importlib.metadata.distribution(PACKAGE).read_text("direct_url.json") or ""
    except importlib.metadata.PackageNotFoundError:
        written = ""
    prefix = Path(sys.prefix)
    return Installation(
        kind=kind_of(prefix, ROOT),
        source=source_of(written),
        python=sys.executable,
        prefix=prefix,
        has_pip=importlib.util.find_spec("pip") is not None,
    )


def kind_of(prefix: Path, root: Path) -> Kind:
    """The kind of installation whose environment is `prefix` and whose packages lie in `root`."""
    if (root / "pyproject.toml").is_file() and (root / "Makefile").is_file():
        return "checkout"
    if (prefix / "uv-receipt.toml").is_file():
        return "uv tool"
    if (prefix / "pipx_metadata.json").is_file():
        return "pipx"
    cached = any(part.startswith(("archive-v", "environments-v")) for part in prefix.parts)
    return "uvx" if cached else "pip"


def source_of(direct_url: str) -> str:
    """Where an installation came from by its direct_url.json (packaging's "direct URL origin"); "" for an index."""
    if not direct_url:
        return ""
    found = json.loads(direct_url)
    url = str(found.get("url", ""))
    repository = found.get("vcs_info")
    if not repository:
        return url
    revision = repository.get("requested_revision")
    return f"{repository['vcs']}+{url}{f'@{revision}' if revision else ''}"
