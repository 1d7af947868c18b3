"""Thresholds: read from a file, and held against the figures of a run."""
