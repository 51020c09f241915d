"""What a request asks for, as pure values: selectors, views, clauses, tokens."""
