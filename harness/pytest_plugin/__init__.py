"""pytest's front door: options, fixtures, scheduling, and what is written and said when a run ends."""
