"""Reports on a run's records: terminal, Markdown, pytest-benchmark's JSON. They know nothing of how records came about."""
