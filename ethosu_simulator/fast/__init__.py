"""A stream turned into steps once, and run by compiled loops that give the same bytes as `ethosu_simulator.npu`."""
