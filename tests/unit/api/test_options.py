"""Query parameters: decoded as apimachinery does, defaulted, then validated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.api.options import Options, parse_options, parse_parameters, truthy
from kjournal.api.requestinfo import ROOT, parse_request_info
from kjournal.errors import APIError, BadRequest, Invalid
from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement

NOW_US = 1_700_000_000_000_000


def options(query: str, path: str = "/namespaces/a/containerlogs", watch: bool = False) -> Options:
    info = parse_request_info("GET", (ROOT + path).encode(), watch)
    return parse_options(info, parse_parameters(query.encode()), NOW_US)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        *(("", False), ("watch", True), ("watch=", True), ("watch=yes", True), ("watch=1", True)),
        *(("watch=0", False), ("watch=false", False), ("watch=FALSE", False), ("watch=00", True)),
        *(("watch=0&watch=1", False), ("watch=1&watch=0", True), ("watch=%30", False)),
    ],
)
def test_booleans(query: str, expected: bool) -> None:
    """False only if absent, 0 or false; the first of several decides."""
    assert truthy(parse_parameters(query.encode()), "watch") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [*(("5", 5), ("0", 0), ("-1", 0), ("+7", 7), ("007", 7)), (str(2**63 - 1), 2**63 - 1)],
)
@pytest.mark.parametrize("name", ["limit", "timeoutSeconds"])
def test_integers(name: str, text: str, expected: int) -> None:
    """Whole numbers of 64 bits; what is not positive is no limit."""
    found = options(f"{name}={text.replace('+', '%2B')}")
    assert (found.limit or found.timeout_s) == expected


@pytest.mark.parametrize(
    "text", ["x", "", "1.0", "1e3", "1_0", "%D9%A3", "%205", str(2**63), "9" * 5000]
)
@pytest.mark.parametrize("name", ["limit", "timeoutSeconds"])
def test_refused_integers(name: str, text: str) -> None:
    """Anything else is 400."""
    with pytest.raises(BadRequest, match=name):
        options(f"{name}={text}")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        *(("", 200), ("resourceVersion=0", 200), ("resourceVersion=5", 200), ("limit=-1", 200)),
        *(("resourceVersion=x", 400), ("resourceVersion=-1", 400), ("resourceVersion=01", 400)),
        ("resourceVersionMatch=NotOlderThan", 422),
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersionMatch=Other", 422),
        ("resourceVersion=0&resourceVersionMatch=NotOlderThan", 200),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("resourceVersion=0&resourceVersionMatch=Other", 422),
        ("resourceVersion=5&resourceVersionMatch=NotOlderThan", 200),
        ("resourceVersion=5&resourceVersionMatch=Exact", 200),
        ("resourceVersion=5&resourceVersionMatch=exact", 422),
        ("sendInitialEvents=true", 422),
        ("sendInitialEvents=false", 422),
        ("continue=x", 200),
        ("continue=x&resourceVersion=0", 200),
        ("continue=x&resourceVersion=5", 400),
        ("continue=x&resourceVersion=5&resourceVersionMatch=Exact", 422),
        ("unknown=1&timeout=32s&fieldManager=x", 200),
        ("includeObject=Some", 400),
        ("labelSelector=a=-", 400),
        ("fieldSelector=a", 400),
    ],
)
def test_list(query: str, code: int) -> None:
    """The matrix of resourceVersion and its match for lists."""
    _check(query, code, watch=False)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        *(("", 200), ("resourceVersion=5", 200), ("resourceVersion=x", 400)),
        ("sendInitialEvents=true", 422),
        ("sendInitialEvents=", 422),
        ("sendInitialEvents=true&resourceVersionMatch=NotOlderThan", 200),
        ("sendInitialEvents=false&resourceVersionMatch=NotOlderThan", 200),
        ("sendInitialEvents=true&resourceVersionMatch=Exact", 422),
        ("resourceVersionMatch=NotOlderThan", 422),
        ("resourceVersion=5&resourceVersionMatch=NotOlderThan", 422),
        ("continue=x", 422),
        ("continue=x&resourceVersion=5", 200),
    ],
)
def test_watch(query: str, code: int) -> None:
    """The matrix for watches, after defaulting."""
    _check(query, code, watch=True)


def _check(query: str, code: int, *, watch: bool) -> None:
    if code == 200:
        assert options(query, watch=watch)
        return
    with pytest.raises(APIError) as caught:
        options(query, watch=watch)
    assert caught.value.code == code
    if isinstance(caught.value, Invalid):
        assert caught.value.causes


@pytest.mark.parametrize(
    ("query", "initial"),
    [
        *(("", True), ("resourceVersion=0", True), ("resourceVersion=5", None)),
        ("sendInitialEvents=&resourceVersionMatch=NotOlderThan", True),
        ("sendInitialEvents=0&resourceVersionMatch=NotOlderThan", False),
    ],
)
def test_defaults(query: str, initial: bool | None) -> None:
    """A watch of the present begins with what exists."""
    assert options(query, watch=True).send_initial_events is initial


@pytest.mark.parametrize("query", ["%ff=x", "a=%ff", "&".join(["a=b"] * 101), "a=\xff"])
def test_refused_queries(query: str) -> None:
    """A query that cannot be read is 400."""
    with pytest.raises(BadRequest):
        parse_parameters(query.encode("latin-1"))


@pytest.mark.parametrize(
    ("path", "selector", "code"),
    [
        ("/containerlogs", "pod=x", 200),
        ("/containerlogs", "payload.a.b=x", 200),
        ("/containerlogs", "metadata.annotations.host=x", 200),
        ("/containerlogs", "metadata.namespace=x", 200),
        ("/auditevents", "metadata.namespace=x", 200),
        ("/auditevents", "responseStatus.code>399", 200),
        ("/auditevents", "objectRef.name=x", 200),
        ("/events", "regarding=x", 400),
        ("/containerlogs", "metadata.labels=x", 400),
        ("/containerlogs", "pods=x", 400),
        ("/containerlogs", "metadata.creationTimestamp>now-1h", 200),
        ("/containerlogs", "metadata.creationTimestamp>yesterday", 400),
    ],
)
def test_selectable(path: str, selector: str, code: int) -> None:
    """A field that the kind lacks is 400 and says what is allowed, never ignored."""
    query = f"fieldSelector={selector.replace('>', '%3E')}"
    if code == 200:
        assert options(query, path).view.fields
        return
    with pytest.raises(BadRequest, match="allowed are"):
        options(query, path)


def test_view() -> None:
    """A name in the path pins the view; a selector that contradicts it is 400."""
    view = options("labelSelector=app=web&limit=x", "/namespaces/a/containerlogs/n").view
    assert (view.name, view.namespace, view.labels) == ("n", "a", ())
    view = options("labelSelector=app=web", "/namespaces/a/containerlogs").view
    assert view.labels == (Requirement("app", Operator.IN, ("web",)),)
    with pytest.raises(BadRequest):
        options("fieldSelector=metadata.name=m", "/namespaces/a/containerlogs/n")
    assert options("", "/containerlogs").view.namespace is None


names = ["limit", "continue", "resourceVersion", "resourceVersionMatch", "sendInitialEvents"]
names += ["timeoutSeconds", "fieldSelector", "labelSelector", "includeObject", "watch"]
parameters = st.dictionaries(st.sampled_from(names), st.text(max_size=12), max_size=5)


@given(parameters, st.booleans())
def test_total(given_parameters: dict[str, str], watch: bool) -> None:
    """Any parameters are options or an APIError."""
    info = parse_request_info("GET", f"{ROOT}/containerlogs".encode(), watch)
    try:
        parse_options(info, given_parameters, NOW_US)
    except APIError:
        return
