"""The four kinds: names, schema, columns, and how a stored record becomes an object."""
