"""The options of Vela: what a session may say of the compiler, and what that adds to its command line."""

from __future__ import annotations

from dataclasses import dataclass

from core.option_fields import option


@dataclass(frozen=True, kw_only=True)
class VelaOptions:
    """Goes whole from the command line to the compiler; `vela` "" means the one that is installed beside this Python."""

    vela: str = option(
        "--vela",
        "another Vela, such as a board support package's; its version is part of the identity",
        "",
        metavar="EXECUTABLE",
        default_text="installed",
    )

    def arguments(self) -> tuple[str, ...]:
        """What is added to Vela's command line, and so to the identity of what it compiles: nothing by default."""
        return ()


INSTALLED = VelaOptions()
"""The Vela beside this Python, as the profile has it."""
