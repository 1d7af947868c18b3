"""What a run means: records, accuracy, statistics, verdicts, reports, and the front doors (pytest plugin and command line)."""
