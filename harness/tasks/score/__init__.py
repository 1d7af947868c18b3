"""Inputs to one score each: anomalies, by a value or by what a reconstruction misses."""
