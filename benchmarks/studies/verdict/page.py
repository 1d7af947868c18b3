"""docs/findings/architecture.md: the table of estimates, and the sentences that hold under both cycle models."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.studies.verdict.estimates import BASE, LEVELS, PROFILES, Estimated

EVEN = 0.02
"""Ratios this near to 1 are called even."""

HEADING = """# Is the change of architecture worth it?

Written by `python -m benchmarks.studies.verdict`, which converts the trained checkpoints (the plain model has seeded weights of
the same shape), compiles each for every NPU below and estimates it twice: by Vela, and by our cycle model
([how far it is right](../reference/timing.md)). No figure here is measured.

`interval` is that of our model, from everything fetched ahead to nothing fetched ahead: no confidence interval. That of a ratio
is the widest that both allow. Ratios within {even:.0%} of 1 are even. A sentence without a reservation holds under both models,
and still does when our two estimates are moved apart by the largest stated error of that NPU. Where published counts do not
cover one of the networks (attention is computed on 32-bit feature maps on U55 and U65) there is no such error, and it says so.
"""


def page(found: Sequence[Estimated]) -> str:
    """The page."""
    size = found[0].image_size
    parts = [HEADING.format(even=EVEN), f"All models at {size} px, feature maps and weights where each profile has them.\n"]
    parts += ["## What holds under both\n", *_sentences(found), "", "## Times as fast as the plain model\n", _ratios(found)]
    parts += ["## Milliseconds\n", _times(found), _trust(found)]
    return "\n".join(parts)


def _at(found: Sequence[Estimated], model: str, profile: str) -> Estimated:
    return next(one for one in found if (one.model, one.profile) == (model, profile))


def side(ratio: float) -> str:
    """What a ratio of times says of a model."""
    if abs(ratio - 1) <= EVEN:
        return "even"
    return "faster" if ratio > 1 else "slower"


def error_of(base: Estimated, own: Estimated) -> float:
    """The largest stated error of the two, 0 where ours is not validated for one of them."""
    return max(base.error, own.error) if base.error and own.error else 0.0


def verdict(base: Estimated, own: Estimated) -> str:
    """What both models say of a model against the plain one, or why nothing holds."""
    vela, ours = base.vela / own.vela, base.ours / own.ours
    if side(vela) != side(ours):
        return f"they differ: {side(vela)} by Vela, {side(ours)} by ours"
    error = error_of(base, own)
    shift = (1 + error) / (1 - error)
    if len({side(ours * shift), side(ours / shift)}) > 1:
        return f"{side(ours)} by both, within our stated error"
    return side(ours) if error else f"{side(ours)} by both, ours not validated"


def _sentences(found: Sequence[Estimated]) -> list[str]:
    lines = []
    for level in LEVELS:
        said: dict[str, list[str]] = {}
        for profile in PROFILES:
            word = verdict(_at(found, BASE, profile), _at(found, level, profile))
            said.setdefault(word, []).append(profile.removeprefix("ethos-"))
        told = "; ".join(f"{word} on {', '.join(profiles)}" for word, profiles in said.items())
        lines.append(f"- `{level}` against the plain model: {told}.")
    return lines


def _ratios(found: Sequence[Estimated]) -> str:
    head = ["| NPU | model | by Vela | by ours | interval | |", "|---|---|--:|--:|--:|---|"]
    rows = []
    for profile in PROFILES:
        base = _at(found, BASE, profile)
        for level in LEVELS:
            own = _at(found, level, profile)
            vela, ours = base.vela / own.vela, base.ours / own.ours
            interval = f"{base.low / own.high:.2f} to {base.high / own.low:.2f}"
            rows.append(f"| {profile} | {level} | {vela:.2f} | {ours:.2f} | {interval} | {verdict(base, own)} |")
    return "\n".join([*head, *rows]) + "\n"


def _times(found: Sequence[Estimated]) -> str:
    head = ["| NPU | model | Vela | ours | interval | ours / Vela | fits |", "|---|---|--:|--:|--:|--:|---|"]
    rows = [
        f"| {profile} | {model} | {one.vela:.1f} | {one.ours:.1f} | {one.low:.1f} to {one.high:.1f} | "
        f"{one.ours / one.vela:.2f} | {'yes' if one.fits else 'no'} |"
        for profile in PROFILES
        for model in (BASE, *LEVELS)
        for one in [_at(found, model, profile)]
    ]
    return "\n".join([*head, *rows]) + "\n"


def _trust(found: Sequence[Estimated]) -> str:
    rows = ["## How far our estimates go\n", "| NPU | models | |", "|---|---|---|"]
    for profile in PROFILES:
        groups: dict[str, list[str]] = {}
        for model in (BASE, *LEVELS):
            groups.setdefault(_at(found, model, profile).trust, []).append(model)
        rows += [f"| {profile} | {', '.join(models)} | {trust} |" for trust, models in groups.items()]
    return "\n".join(rows) + "\n"
