"""`ethos-bench profiles`: what `--npu` takes, and where its figures come from."""

from __future__ import annotations

from click.testing import CliRunner

from conversion.profile_files import board_names, load_profile, profile_names
from harness.cli import main


def said(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["profiles", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_has_every_npu_and_every_board() -> None:
    assert all(name in said() for name in (*profile_names(), *board_names()))


def test_a_profile_is_explained_with_the_source_of_every_figure() -> None:
    profile, text = load_profile("himax-we2"), said("himax-we2")
    assert all(source in text for source in profile.sources.values())
    assert all(f"{area:<14} {budget.bytes} bytes" in text and budget.source in text for area, budget in profile.budget.items())


def test_a_board_that_has_its_npus_profile_says_so() -> None:
    assert "ethos-u65-256 (what imx93 has)" in said("imx93")


def test_an_unknown_name_is_a_usage_error_with_the_nearest_one() -> None:
    result = CliRunner().invoke(main, ["profiles", "imx39"])
    assert (result.exit_code, "hint: --npu imx93" in result.output) == (2, True)
