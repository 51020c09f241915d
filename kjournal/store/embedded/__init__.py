"""SQLite, for trying kjournal and for small clusters."""
