"""How far the verdicts on latencies can be trusted: false alarms and power, simulated and on real samples."""
