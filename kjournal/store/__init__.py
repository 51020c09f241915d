"""What holds the logs, behind one interface."""
