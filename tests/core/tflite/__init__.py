"""Tests of core/tflite/."""
