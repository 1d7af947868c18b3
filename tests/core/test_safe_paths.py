"""A name from elsewhere becomes a path only inside the folder it was meant for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageError
from core.safe_paths import LONGEST_BYTES, file_name, is_safe_name, path_inside

HOSTILE = (
    "", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "~root", "-rf", ".hidden", "a\0b", "a\nb", "a\\b", "a:b",
    "\u202egnp.exe", "$(id)", "a" * (LONGEST_BYTES + 1), "a;b", "a b", "\udc80",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_that_is_no_plain_file_name_becomes_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a file"):
        path_inside(tmp_path, name)


@pytest.mark.parametrize(
    "name", ["level3_leaky-ethos-u65-256.json", "placement/a~imgsz=320+vela=5.0.0.json", "größe.md", "20260101T000000-1"]
)
def test_names_of_ours_are_paths(tmp_path: Path, name: str) -> None:
    assert path_inside(tmp_path, name) == tmp_path / name


def test_a_link_that_leads_out_of_the_folder_is_no_way(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "placement").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="leads out of"):
        path_inside(tmp_path / "inside", "placement/x.json")


@given(st.text() | st.text(alphabet="./\\~-a\0"), st.sampled_from(["", ".json", ".md"]))
def test_any_text_has_a_file_name_and_different_texts_have_different_ones(text: str, ending: str) -> None:
    assert is_safe_name(file_name(text, ending))
    assert file_name(text, ending).endswith(ending)
    assert file_name(text, ending) != file_name(text + "/", ending)
