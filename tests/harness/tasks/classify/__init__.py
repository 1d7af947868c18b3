"""Tests of harness/tasks/classify/."""
