"""Words from elsewhere in Markdown: they show as they are, and are no image, link, mention, reference or HTML."""

from __future__ import annotations

import re

from core.printable import printable

APART = "\u200b"
"""Has no width: it keeps a sign from what would make it a mention, a reference or a link."""
SPELT = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
SIGNS = re.compile(r"([\\`*|\[\]~])")
"""What Markdown reads anywhere in a line."""
EDGES = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
STARTS = re.compile(r"^(\s*)([#+=-]|\d+[.)])(?=\s)|^(\s*)([-=_*]{3,}\s*$)")
"""What makes a heading, a list or a rule at the start of a line."""
LINKS = re.compile(r"(?i)(@|#|\bGH-)(?=\w)|(://)|(\bwww)(?=\.)|(\bmailto:|\bxmpp:)|!(?=\\\[)")


def text(words: str) -> str:
    """Words as Markdown shows them: on one line, ending no table cell, and nothing but words."""
    flat = printable(" ".join(str(words).split()))
    flat = SIGNS.sub(r"\\\1", flat)
    for sign, spelt in SPELT:
        flat = flat.replace(sign, spelt)
    flat = EDGES.sub(r"\\_", flat)
    flat = STARTS.sub(lambda found: f"{found[1] or found[3] or ''}{APART}{found[2] or found[4]}", flat)
    return LINKS.sub(_apart, flat)


def plain(words: str) -> str:
    """Words for a code span, which a backtick would end."""
    return printable(" ".join(words.split())).replace("`", "'")


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(text, cells))} |"


def _apart(found: re.Match[str]) -> str:
    word = found[0]
    return f":{APART}//" if word == "://" else f"{word}{APART}"
