"""Passwords, tokens and home folders taken out of a text: before it is kept, and wherever a URL or a command line is shown."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

HIDDEN = "***"
SECRET_WORDS = r"(?:passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)s?"  # noqa: S105  # nosec B105
"""What the name of a setting has in it whose value nobody may read; `pgpassfile` names a file and has none of these."""
MORE = r"[\w.-]{0,64}"
"""What else the name has; bounded, as a text without end must not take time without end."""
VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s&;,'"`]+)"""
LEAST_LENGTH = 8
"""Of a value in the environment that is searched for in texts: a shorter one would be found everywhere."""
SHORT = 1024
"""Letters of a text whose redaction is kept."""

RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kept)
    for pattern, kept in (
        (r"(\b[a-z][a-z0-9+.-]{0,30}://[^\s:@/?#]{0,200}):[^\s]{1,500}@", rf"\1:{HIDDEN}@"),
        (r"(\b[a-z][a-z0-9+.-]{0,30}://)[^\s:@/?#]{20,500}@", rf"\1{HIDDEN}@"),
        (rf"({SECRET_WORDS}{MORE}[\"']?\s?[=:]\s?)(?!{re.escape(HIDDEN)}){VALUE}", rf"\1{HIDDEN}"),
        (rf"((?<![\w.-])--?{MORE}{SECRET_WORDS}{MORE}\s)(?!-){VALUE}", rf"\1{HIDDEN}"),
        (r"(\bauthorization[\"']?\s?[=:]\s?[\"']?)(?:(?:bearer|basic|digest|token)\s)?[^\s\"']+", rf"\1{HIDDEN}"),
        (r"(\bbearer\s)[\w.~+/=-]{8,}", rf"\1{HIDDEN}"),
        (r"((?<![\w-])--(?:[\w-]*header)[ =][\"']?[\w-]+\s?:\s?)[^\"'\n]+", rf"\1{HIDDEN}"),
        (r"(\bsshpass\s-p\s?)\S+", rf"\1{HIDDEN}"),
        (r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA)[\w-]{12,}", HIDDEN),
    )
)
"""A pattern, and what of it stays."""
HEADER_OPTION = re.compile(r"-H|--[\w-]*header", re.IGNORECASE)
SECRET_OPTION = re.compile(rf"--?{MORE}{SECRET_WORDS}{MORE}", re.IGNORECASE)
SECRET_VARIABLE = re.compile(rf"{SECRET_WORDS}|_(?:key|pass|auth)$", re.IGNORECASE)
TRIGGER = re.compile(rf"[@=:]|--|{SECRET_WORDS}|bearer|sshpass|gh[pousr]_|github_pat_|glpat-|xox|AKIA", re.IGNORECASE)
"""A text without any of these has nothing for the rules."""


def redacted(text: str) -> str:
    """The text with `***` where a secret stood: in a URL, behind an option or a setting of that name, from the environment."""
    values = _secret_values()
    return _redacted_short(text, values) if len(text) <= SHORT else _redacted(text, values)


@lru_cache(maxsize=4096)
def _redacted_short(text: str, values: tuple[str, ...]) -> str:
    """What `_redacted` says, kept: the records of a run have the same few texts thousands of times."""
    return _redacted(text, values)


def _redacted(text: str, values: tuple[str, ...]) -> str:
    """The text without the values and without what the rules find."""
    for value in values:
        text = text.replace(value, HIDDEN)
    if TRIGGER.search(text):
        for pattern, kept in RULES:
            text = pattern.sub(kept, text)
    return text


def without_home(text: str) -> str:
    """The text with `~` for the home folder of whoever runs this."""
    try:
        home = str(Path.home())
    except RuntimeError:  # a user whom this computer does not know
        return text
    return re.sub(rf"{re.escape(home)}(?=$|[/\s'\"`:,;)])", "~", text) if len(home) > 1 else text


def redacted_command(arguments: Sequence[str]) -> str:
    """A command line as it may be kept: no secrets, whether in one argument or behind an option, and no home folder."""
    kept: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if SECRET_OPTION.fullmatch(before):
            kept.append(HIDDEN)
        elif HEADER_OPTION.fullmatch(before):
            kept.append(f"{argument.partition(':')[0]}: {HIDDEN}")
        else:
            kept.append(without_home(redacted(argument)))
    return " ".join(kept)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a setting of this name (an option, a key of a URL's query, a variable) holds a secret."""
    return bool(SECRET_VARIABLE.search(name))


def _secret_values() -> tuple[str, ...]:
    return _values_of(tuple(os.environ[name] for name in os.environ if is_secret_name(name)))


@cache
def _values_of(values: tuple[str, ...]) -> tuple[str, ...]:
    """The longest first, so that one in another leaves nothing of it."""
    return tuple(sorted({value for value in values if len(value) >= LEAST_LENGTH}, key=len, reverse=True))
