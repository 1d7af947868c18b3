"""Tests of harness/acceptance/."""
