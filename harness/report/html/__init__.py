"""One self-contained HTML page of a run: no network, no script but its own, every text from files escaped."""
