"""Index patterns mean what Elasticsearch says they mean."""

import pytest

from kjournal.store.embedded.patterns import matches, named


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("logs", "logs", True),
        ("logs", "logs-1", False),
        ("logs-*", "logs-1", True),
        ("logs-*", "logs", False),
        ("*", "anything", True),
        ("_all", "anything", True),
        ("", "anything", True),
        ("a*c", "abc", True),
        ("a*c", "abcd", False),
        ("a.c", "abc", False),
        ("l*-*-x", "logs-1-x", True),
        ("a,b", "b", True),
        ("a, b", "b", True),
        ("logs-*,-logs-old*", "logs-new", True),
        ("logs-*,-logs-old*", "logs-old-1", False),
        ("logs-*,-logs-1", "logs-1", False),
        ("*,-logs-*,logs-1", "logs-1", True),
        ("*,-*", "logs-1", False),
        # Without a wildcard before it, the dash is part of a name.
        ("-logs,logs", "logs", True),
        ("-log*", "-logs", True),
        ("logs,-logs", "logs", True),
    ],
)
def test_matches(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("logs-*", ()),
        ("a,b*,c", ("a", "c")),
        ("b*,a,-a", ()),
        ("*", ()),
        ("_all", ()),
    ],
)
def test_named(pattern: str, expected: tuple[str, ...]) -> None:
    """Names without a wildcard must exist."""
    assert named(pattern) == expected
