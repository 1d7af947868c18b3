"""Inputs to classes: data set, preprocessing, and the metrics."""
