"""Loads the project's plugin: the options of `pytest benchmarks/`, its fixtures and its reports."""

pytest_plugins = ["harness.pytest_plugin.plugin"]
