"""Terminal, Markdown and file reports."""
