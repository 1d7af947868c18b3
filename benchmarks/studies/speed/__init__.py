"""Measurements of our own speed and memory, each a ratio against a named reference in the same run; docs/benchmarks.md."""
