"""Paths: the only reading of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.api.requestinfo import ROOT, parse_request_info
from kjournal.errors import APIError, BadRequest, NotFound

Parsed = tuple[str, str | None, str, str]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/containerlogs", ("list", "containerlogs", "", "")),
        ("/containerlogs/", ("list", "containerlogs", "", "")),
        ("/namespaces/x/containerlogs", ("list", "containerlogs", "x", "")),
        ("/namespaces/x/events/n", ("get", "events", "x", "n")),
        ("/namespaces/watch/events", ("list", "events", "watch", "")),
        ("/namespaces/namespaces/events/events", ("get", "events", "namespaces", "events")),
        ("/auditevents/n", ("get", "auditevents", "", "n")),
        ("/logs", ("list", "logs", "", "")),
        ("/watch/logs", ("watch", "logs", "", "")),
        ("/watch/namespaces/x/events/n", ("watch", "events", "x", "n")),
        ("/auditevents/a%20b%3Fc%25", ("get", "auditevents", "", "a b?c%")),
        ("", ("get", None, "", "")),
        ("/", ("get", None, "", "")),
    ],
)
def test_resources(path: str, expected: Parsed) -> None:
    """Verb, resource, namespace and name come from the path."""
    info = parse_request_info("GET", f"{ROOT}{path}".encode(), False)
    assert (info.verb, info.kind and info.kind.plural, info.namespace, info.name) == expected


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/namespaces",
            "/namespaces/x",
            "/namespaces/x/",
            "/pods",
            "/watch",
            "/watch/namespaces/x",
        ),
        *("/containerlogs/n", "/namespaces/x/auditevents", "/namespaces/x/logs/n", "/Logs"),
        *("/namespaces/x/events/n/status", "/logs/n/log", "/watch/watch/logs"),
    ],
)
def test_no_resource(path: str) -> None:
    """What names no resource, or not where it lives, is 404."""
    with pytest.raises(NotFound):
        parse_request_info("GET", f"{ROOT}{path}".encode(), False)


@pytest.mark.parametrize(
    "path",
    [
        *(b"/namespaces/a%2Fb/events", b"/logs/a%2fb", b"/logs/a%5Cb", b"/logs/a%00"),
        *(b"/namespaces//events", b"/../logs", b"/./logs", b"/%2e%2e/logs", b"/logs/.."),
        *(b"/logs/%ff", b"/logs/\xff", b"/logs/%2e"),
    ],
)
def test_refused(path: bytes) -> None:
    """Encoded slashes, dot segments, empty segments and bad UTF-8 are 400."""
    with pytest.raises(BadRequest):
        parse_request_info("GET", ROOT.encode() + path, False)


@pytest.mark.parametrize("path", [b"*", b"http://h/apis", b"//apis", b""])
def test_odd_targets(path: bytes) -> None:
    """Targets that are no plain path are 400."""
    with pytest.raises(BadRequest):
        parse_request_info("GET", path, False)


@pytest.mark.parametrize(
    ("method", "path", "watch", "verb"),
    [
        ("GET", "/logs", True, "watch"),
        ("HEAD", "/logs", False, "list"),
        ("GET", "/logs/n", True, "watch"),
        ("POST", "/logs", True, "create"),
        ("PUT", "/logs/n", False, "update"),
        ("PATCH", "/logs/n", False, "patch"),
        ("DELETE", "/logs/n", False, "delete"),
        ("DELETE", "/logs", False, "deletecollection"),
        ("OPTIONS", "/logs", False, "options"),
    ],
)
def test_verbs(method: str, path: str, watch: bool, verb: str) -> None:
    """Verbs are kube-apiserver's."""
    assert parse_request_info(method, f"{ROOT}{path}".encode(), watch).verb == verb


@given(st.binary(max_size=40) | st.text(alphabet="/.%2Fabnamespaceslogs", max_size=40))
def test_total(rest: bytes | str) -> None:
    """Any path is read or is an APIError, and what is read holds no slash or dot segment."""
    raw = rest if isinstance(rest, bytes) else rest.encode()
    try:
        info = parse_request_info("GET", ROOT.encode() + b"/" + raw, False)
    except APIError:
        return
    for part in (info.namespace, info.name):
        assert "/" not in part
        assert part not in (".", "..")
