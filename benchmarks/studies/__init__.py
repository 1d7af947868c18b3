"""The project's own measurements: speed, recipes, statistics; no part of the wheel."""
