"""A rich console that foreign text cannot steer: styles are ours, and every text in a table or a line is made printable."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from core.printable import printable


class SafeConsole(Console):
    """Writes out what would move a cursor, set a title or turn a line round, at the last moment before styles are added."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of something that can be shown, their texts printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text, keep="\n"), segment.style)
