"""Whether two sets of figures differ: exactly, or by a stated method with its error rates known. Knows numbers only."""
