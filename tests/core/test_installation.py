"""The line that installs something is the one for this kind of installation."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from core.installation import Installation, Kind, installation, kind_of, source_of
from tests.checkout import CHECKOUT

WHEEL = "file:///downloads/my files/ethos_bench-0.1.0-py3-none-any.whl"


def of_kind(kind: Kind, source: str = WHEEL, prefix: str = "/env", *, has_pip: bool = True) -> Installation:
    return Installation(
        kind=kind, source=source, python="/env/bin/python", prefix=Path(prefix), has_pip=has_pip, root=Path("/src")
    )


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("uv tool", f"uv tool install --force 'ethos-bench[convert] @ {WHEEL}'"),
        ("uvx", f"uvx --from 'ethos-bench[convert] @ {WHEEL}' ethos-bench"),
        ("pipx", f"pipx install --force 'ethos-bench[convert] @ {WHEEL}'"),
        ("pip", f"/env/bin/python -m pip install 'ethos-bench[convert] @ {WHEEL}'"),
        ("checkout", "/env/bin/python -m pip install -e '/src[convert]'"),
    ],
)
def test_each_kind_of_installation_has_a_line_of_its_own_that_keeps_where_it_came_from(kind: Kind, line: str) -> None:
    assert of_kind(kind).line("convert") == line
    assert shlex.split(line)


def test_the_environment_that_make_made_is_made_anew_by_make() -> None:
    assert of_kind("checkout", prefix="/src/.venv").line("farm") == "make -B environment"


def test_an_environment_without_pip_gets_a_line_for_uv() -> None:
    assert of_kind("pip", "", has_pip=False).line("postgres") == (
        "uv pip install --python /env/bin/python 'ethos-bench[postgres]'"
    )


def test_without_an_extra_the_line_installs_the_copy_itself_anew() -> None:
    assert of_kind("pip", "").line() == "/env/bin/python -m pip install ethos-bench"
    assert of_kind("checkout").line() == "/env/bin/python -m pip install -e /src"


@pytest.mark.parametrize(
    ("made", "root", "kind"),
    [
        ("uv-receipt.toml", "site-packages", "uv tool"),
        ("pipx_metadata.json", "site-packages", "pipx"),
        ("pyvenv.cfg", "site-packages", "pip"),
        ("archive-v0/x/pyvenv.cfg", "site-packages", "uvx"),
        ("pyproject.toml", "", "checkout"),
    ],
)
def test_the_kind_is_read_from_what_the_installer_left(tmp_path: Path, made: str, root: str, kind: Kind) -> None:
    for name in (made, "Makefile"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert kind_of((tmp_path / made).parent, tmp_path / root) == kind


def test_a_repository_at_a_tag_is_named_as_a_requirement_names_it() -> None:
    url = "https://example.org/ethos-bench.git"
    assert source_of(json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": "0" * 40}})) == f"git+{url}"
    tagged = {"url": url, "vcs_info": {"vcs": "git", "commit_id": "0" * 40, "requested_revision": "v1"}}
    assert source_of(json.dumps(tagged)) == f"git+{url}@v1"
    assert source_of("") == ""


def test_these_tests_run_in_a_checkout() -> None:
    assert installation().kind == "checkout"
    assert installation().root == CHECKOUT
