"""`ethos-bench profiles`: the NPUs and boards that `--npu` takes, and where each of their figures comes from."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from conversion.profile_files import SAME_AS, board_names, load_profile, profile_names
from core.records.profile import Profile
from harness.cli.failing import exits_cleanly
from harness.report.safe_console import SafeConsole

MIB = 1 << 20


@click.command("profiles")
@click.argument("name", required=False)
@exits_cleanly
def profiles_command(name: str | None) -> None:
    """List the NPUs and boards that `--npu` takes; with NAME (or a TOML file) every figure with its source."""
    console = SafeConsole(highlight=False)
    if name:
        _explain(console, name, load_profile(name))
        return
    for title, names in (("Boards", board_names()), ("NPUs", profile_names())):
        console.print(_table(title, names))
    console.print(
        "Figures and sources: ethos-bench profiles NAME. Your own board: a TOML file of the same form.", soft_wrap=True
    )


def _table(title: str, names: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("name", "NPU", "MHz", "memory in MiB"):
        table.add_column(heading, justify="right" if heading == "MHz" else "left", overflow="fold", no_wrap=heading == "name")
    for name in names:
        profile = load_profile(name)
        table.add_row(name, profile.accelerator_config, f"{profile.clock_hz / 1e6:.0f}", _memories(profile))
    return table


def _memories(profile: Profile) -> str:
    return ", ".join(f"{area} {budget.bytes / MIB:.2f}" for area, budget in profile.budget.items())


def _explain(console: Console, name: str, profile: Profile) -> None:
    def say(what: str, value: object, source: str = "") -> None:
        console.print(f"{what:<14} {value}", markup=False, soft_wrap=True)
        if source:
            console.print(f"{'':<14} from: {source}", markup=False, soft_wrap=True)

    say("profile", f"{profile.name}{f' (what {name} has)' if name in SAME_AS else ''}")
    say("what", profile.description)
    say("NPU", profile.accelerator_config, profile.sources.get("macs", ""))
    say("clock", f"{profile.clock_hz / 1e6:.0f} MHz", profile.sources.get("clock_hz", ""))
    say("Vela config", f"{profile.vela_config}: {profile.system_config}", profile.sources.get("system_config", ""))
    say("memory mode", profile.memory_mode, profile.sources.get("memory_mode", ""))
    say("feature maps", f"in {profile.arena_area}")
    say("constants", f"in {profile.constants_area}")
    for area, budget in profile.budget.items():
        say(area, f"{budget.bytes} bytes", budget.source)
    say("file", profile.path)
