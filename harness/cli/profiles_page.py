"""docs/reference/profiles.md, made from the profiles' files: `python -m harness.cli.profiles_page`."""

from __future__ import annotations

from pathlib import Path

from conversion.profile_files import SAME_AS, board_names, load_profile, profile_names
from core.records.profile import Profile

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "profiles.md"
HEAD = """# NPUs and boards

<!-- Made by `python -m harness.cli.profiles_page` from conversion/profiles: change those. -->

What `--npu` takes, and where each figure comes from. Your own board is a TOML file of the same form: `--npu mine.toml`.
Memories are the platform's; a program takes its part of them. "Not found" says that no public source was found, and what
stands in.
"""


def page() -> str:
    """The page's text."""
    boards = [name for name in board_names() if name not in SAME_AS]
    same = [f"| `{name}` | `{npu}` |" for name, npu in SAME_AS.items()]
    return "\n".join(
        [
            HEAD,
            "## Boards",
            "",
            *["| board | has the profile |", "|---|---|", *same, ""],
            *(_section(name) for name in boards),
            "## NPUs",
            "",
            *(_section(name) for name in profile_names()),
        ]
    )


def _section(name: str) -> str:
    profile = load_profile(name)
    rows = [f"| {what} | {value} | {_cell(source)} |" for what, value, source in _figures(profile)]
    return "\n".join([f"### {name}", "", profile.description, "", "| | | source |", "|---|---|---|", *rows, ""])


def _figures(profile: Profile) -> list[tuple[str, str, str]]:
    sources, config = profile.sources, Path(profile.vela_config).name
    return [
        ("NPU", profile.accelerator_config, sources.get("macs", "")),
        ("clock", f"{profile.clock_hz / 1e6:.0f} MHz", sources.get("clock_hz", "")),
        ("Vela's system", f"`{profile.system_config}` of {config}", sources.get("system_config", "")),
        ("memory mode", f"`{profile.memory_mode}`", sources.get("memory_mode", "")),
        *((area, f"{budget.bytes:,} bytes", budget.source) for area, budget in profile.budget.items()),
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
