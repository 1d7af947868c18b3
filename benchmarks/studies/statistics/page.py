"""docs/reference/statistics.md: how latencies are judged, and how often that is wrong, all figures from this command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from benchmarks.studies.statistics.rates import (
    KINDS,
    REPEATS,
    RUNS_IN_HISTORY,
    SHIFT,
    VARIATIONS,
    Floats,
    Rates,
    change_point_rates,
    rates,
    read_pairs,
    run_verdicts,
    simulated,
    variation_of,
)
from core.files import write_whole
from harness.statistics.change_points import FALSE_ALARMS
from harness.statistics.interleaved import ROUNDS
from harness.statistics.shift import BOUND, FEWEST_RUNS, LEVEL, POWER, critical_position, signed_rank_distribution

PAIRS = Path(__file__).parent / "host_pairs.jsonl"
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "statistics.md"
QUIET = 0.01
SPREADS = (0.0025, 0.005, 0.01, 0.02)
TARGET_ALARMS, TARGET_SEEN = 0.01, 0.95

EXACT = 2 * float(signed_rank_distribution(ROUNDS)[critical_position(ROUNDS) - 1])

HEADING = f"""# How figures are judged

Written by `python -m benchmarks.studies.statistics page`; every figure below is that command's.

**Figures that repeat to the last bit** (placement, MACs, memory, estimates, mAP on a fixed set of images) compare exactly:
`same`, `better`, `worse`, or `changed` where neither way is better.

**mAP** additionally by a paired bootstrap over images (`compare --data data.yaml`): both runs are judged on the same resampled
images; a difference whose {LEVEL:.0%} interval holds 0 is `undecided`.

**Latencies taken in turns** (`ethos-bench ab`): {REPEATS} samples of each in {ROUNDS} rounds, each turn a run of its own, who
goes first changing with every round. Per round the logarithm of the ratio of medians; over the rounds the Hodges-Lehmann shift
and its exact {LEVEL:.0%} interval from Wilcoxon's signed-rank distribution (Walsh average number
{critical_position(ROUNDS)} from either end). The interval is exact whenever a round is as likely to err one way as the other:
then equal things get a wrong verdict in at most {EXACT:.2%} of comparisons, whatever the noise.

| verdict | when |
|---|---|
| `equivalent` | the whole interval lies within {BOUND:.0%} of 0 |
| `slower`, `faster` | the interval leaves out 0 and the shift is {BOUND:.0%} or more |
| `undecided` | anything else; the shift that this sample would have shown with probability {POWER:.0%} is given |

**Latencies of two whole runs** (`compare`) were not taken in turns. How far runs differ on their own is learned from
{FEWEST_RUNS} or more earlier runs of the very same identity (Student's t, {LEVEL:.0%}); with fewer the verdict is `undecided`.

**Change points** over the history (`history show`): circular binary segmentation on ranks: the stretch of runs
that differs most from the rest is held against {FALSE_ALARMS:.0%} of shuffled histories; then every piece is searched alike.
"""


@click.command("page")
@click.option("--simulations", default=4000, show_default=True, help="Simulated pairs per line.")
@click.option("--pairs", type=click.Path(path_type=Path), default=PAIRS, help="Real pairs, as `collect` writes them.")
@click.option("--output", type=click.Path(path_type=Path), default=PAGE, help="File to write.")
def page(simulations: int, pairs: Path, output: Path) -> None:
    """Write docs/reference/statistics.md."""
    lines = [simulated(kind, variation, simulations) for kind in KINDS for variation in VARIATIONS]
    parts = [HEADING, "## Simulated pairs\n", _table(lines), _against_targets(lines)]
    parts += _real(read_pairs(pairs))
    parts += _runs(simulations)
    write_whole(output, "\n".join(parts))
    click.echo(str(output))


def _table(lines: Iterable[Rates]) -> str:
    columns = ("noise", "cv", "wrong verdict", f"{SHIFT:.0%} slower is seen", "equal is `equivalent`", "detectable (median)")
    rows = [f"| {' | '.join(columns)} |", "|---|---|---|---|---|---|"]
    for line in lines:
        cells = (line.noise, f"{100 * line.variation:.1f} %", line.alarms, line.seen, line.equivalent)
        rows.append(f"| {' | '.join(map(str, cells))} | {100 * line.detectable:.1f} % |")
    return "\n".join(rows) + "\n"


def _against_targets(lines: Sequence[Rates]) -> str:
    """The worst line of a quiet target against what was aimed at."""
    worst = max(line.alarms.count / line.alarms.of for line in lines)
    quiet = [line for line in lines if line.variation <= QUIET]
    least = min(quiet, key=lambda line: line.seen.count)
    met = "met" if least.seen.count >= TARGET_SEEN * least.seen.of else "missed"
    return (
        f"Aimed at: at most {TARGET_ALARMS:.0%} false alarms (worst line above: {100 * worst:.2f} %) and at least "
        f"{TARGET_SEEN:.0%} of {SHIFT:.0%} shifts on a quiet target (cv up to {QUIET:.0%}): {met}; the least is "
        f"{least.seen}, {least.noise}, cv {least.variation:.1%}. A target with a larger cv needs more `--repeats`.\n"
    )


def _real(pairs: Sequence[Floats]) -> list[str]:
    """The same on real pairs, all of them and the quiet and the loud half."""
    ordered = sorted(pairs, key=variation_of)
    half = len(ordered) // 2
    quiet = [pair for pair in ordered if variation_of(pair) <= QUIET]
    lines = [
        rates(f"all {len(pairs)} pairs", pairs),
        rates(f"the quieter half (cv up to {variation_of(ordered[half - 1]):.1%})", ordered[:half]),
        rates("the louder half", ordered[half:]),
    ]
    if quiet:
        lines.insert(1, rates(f"pairs with cv up to {QUIET:.0%}", quiet))
    about = (
        f"level3_relu at 160 px (int8, 2 ms) against itself, alone on a virtual machine of two cores, "
        f"{ROUNDS} rounds of {REPEATS // ROUNDS} samples in processes of their own, XNNPACK on 1 thread: {len(pairs)} pairs. "
        f"The samples are in benchmarks/studies/statistics/host_pairs.jsonl. For power, the second of each pair is "
        f"made {SHIFT:.0%} slower; cv is the median over runs.\n"
    )
    aim = "met" if lines[0].seen.count >= TARGET_SEEN * lines[0].seen.of else "missed"
    short = (
        f"False alarms: {lines[0].alarms}, where {EXACT:.2%} gives {EXACT * len(pairs):.0f} on average. The aim for power was "
        f"{aim} on this machine: {lines[0].seen} of {SHIFT:.0%} shifts are seen. A virtual machine is no quiet target: with "
        f"this noise a sample shows shifts of {lines[0].detectable:.1%}, and the verdict on smaller ones is `undecided`.\n"
    )
    return ["## Real A/A pairs of the host\n", about, _table(lines), short]


def _runs(simulations: int) -> list[str]:
    parts = [
        "## Whole runs and histories\n",
        f"Two runs against the spread of {FEWEST_RUNS} earlier ones, and a step of {SHIFT:.0%} in the middle of "
        f"{RUNS_IN_HISTORY} runs (found: within two runs of it). Runs differ on their own by `spread`.\n",
        f"| spread | two runs: wrong | {SHIFT:.0%} is seen | history: wrong | step is found | at the very run |",
        "|---|---|---|---|---|---|",
    ]
    for spread in SPREADS:
        two, history = run_verdicts(spread, simulations), change_point_rates(spread, max(200, simulations // 10))
        parts.append(f"| {spread:.2%} | {' | '.join(map(str, (*two, *history)))} |")
    return [*parts, ""]
