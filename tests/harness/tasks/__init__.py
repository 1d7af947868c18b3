"""Tests of harness/tasks/."""
