"""What is authorized: what the path says, and a pinned name."""

import pytest

from kjournal.api.guard import attributes_of
from kjournal.api.requestinfo import ROOT, parse_request_info


@pytest.mark.parametrize(
    ("path", "selector", "expected"),
    [
        ("/namespaces/a/events", "", ("list", "events", "a", "")),
        ("/namespaces/a/events", "metadata.name=x", ("list", "events", "a", "x")),
        ("/namespaces/a/events", "metadata.name!=x", ("list", "events", "a", "")),
        ("/namespaces/a/events", "metadata.name in (x,y)", ("list", "events", "a", "")),
        ("/namespaces/a/events", "metadata.namespace=b", ("list", "events", "a", "")),
        ("/namespaces/a/events/n", "metadata.name=x", ("get", "events", "a", "n")),
        ("/events", "metadata.namespace=b", ("list", "events", "", "")),
        ("/logs", "=", ("list", "logs", "", "")),
        ("", "metadata.name=x", ("get", "", "", "")),
    ],
)
def test_attributes(path: str, selector: str, expected: tuple[str, ...]) -> None:
    """No selector widens what is asked for; one that cannot be read narrows nothing."""
    found = attributes_of(parse_request_info("GET", f"{ROOT}{path}".encode(), False), selector)
    assert (found.verb, found.resource, found.namespace, found.name) == expected
