"""Compiled files of several operators and of state: seeds of the fuzzer."""
