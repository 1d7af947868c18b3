"""The suite that users run: `pytest benchmarks/`."""
