"""Text from elsewhere made fit for a terminal: it can move the cursor, set the title, or turn a line round."""

from __future__ import annotations

import unicodedata

CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what prints nothing itself: control, format (bidirectional marks), surrogate, unassigned."""


def printable(text: str, keep: str = "") -> str:
    """The text with every character that is no printable one written as Python would escape it; those in `keep` stay."""
    if text.isprintable():
        return text
    return "".join(character if _shown(character) or character in keep else _escaped(character) for character in text)


def _shown(character: str) -> bool:
    return unicodedata.category(character) not in CONTROLS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
