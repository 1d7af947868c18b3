"""Tests of harness/claims/."""
