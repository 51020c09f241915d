"""One poller of a kind, and its fan-out to every watcher."""
