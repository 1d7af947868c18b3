"""Every run's records in one store, append-only: what a run is held against. SQLite by default, PostgreSQL by URL."""
