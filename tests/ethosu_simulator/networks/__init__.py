"""Whole networks of this project's own making, by kind: uint8, int16, state, several NPU operators, inputs, resize, softmax."""
