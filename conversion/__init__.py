"""Checkpoint -> int8 TFLite -> Vela -> Artefact, cached by content."""
