"""Tests of harness/tasks/score/."""
