"""A small imaginary cluster that writes logs."""
