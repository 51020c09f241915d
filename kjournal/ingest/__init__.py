"""The Elasticsearch bulk protocol, into the embedded store."""
