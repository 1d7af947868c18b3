"""`ethos-bench run`: the suite, in any folder."""

from __future__ import annotations

from pathlib import Path

import click

from core.option_fields import Option, options_of
from harness.pytest_plugin.installed_suite import run_suite
from harness.pytest_plugin.options import SuiteOptions


class SuiteCommand(click.Command):
    """A command whose options are the suite's and pytest's: its help lists the suite's own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the suite's options as click writes those of its own."""
        with formatter.section("Options"):
            formatter.write_dl([_row(one) for one in options_of(SuiteOptions)])
        with formatter.section("Options of pytest that help here"):
            formatter.write_dl(
                [
                    ("-n N", "Spread the models over N processes."),
                    ("-k WORDS", "Only tests whose names have these words, such as `-k offload`."),
                    ("--junitxml FILE", "Write JUnit XML with the figures and their evidence."),
                    ("-q, -v", "Say less, say more. Every other option of pytest is taken too."),
                ]
            )


def _row(one: Option) -> tuple[str, str]:
    repeatable = " Repeatable." if one.repeatable else ""
    default = "" if one.kind is bool else f" [default: {one.default_text.replace('`', '')}]"
    text = f"{one.plain_help[0].upper()}{one.plain_help[1:]}.{repeatable}{default}"
    return f"{one.declared.flag} {one.metavar}".strip(), text


@click.command(
    "run",
    cls=SuiteCommand,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[OPTIONS OF THE SUITE OR OF PYTEST]",
)
@click.argument("given", nargs=-1, type=click.UNPROCESSED, metavar="")
@click.pass_context
def run_command(context: click.Context, given: tuple[str, ...]) -> None:
    """Run the suite: convert, compile, run and measure, with a verdict on every claim, and a report."""
    context.exit(run_suite(given, Path.cwd()))
