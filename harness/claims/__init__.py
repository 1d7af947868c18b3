"""Documented figures: read from files, and held against what was found."""
