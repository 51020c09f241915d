"""Objects to bytes: negotiation, tables, watch frames, Status, discovery, OpenAPI."""
