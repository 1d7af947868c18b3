"""Artefact -> Run: one module per kind of target."""
