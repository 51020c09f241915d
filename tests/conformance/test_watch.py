"""Section 3: the framing of a watch, its events, where it begins, and how it ends."""

import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from kjournal.codec import load_json
from tests.conformance.records import EMPTY, KIND_OF, LINES, line, lines, said, sample_path, samples
from tests.conformance.served import FUTURE, Served
from tests.conformance.statuses import causes_of, check_status, refused
from tests.conformance.stream import (
    INITIAL_EVENTS_END,
    is_initial_end,
    is_live,
    types_of,
    version_of,
)
from tests.integration.stories import KINDS, Documents, container_line, path_of

NOT_OLDER_THAN = "resourceVersionMatch=NotOlderThan"
BOOKMARKS = "allowWatchBookmarks=true"
WATCH_LIST = f"{BOOKMARKS}&sendInitialEvents=true&{NOT_OLDER_THAN}"
FROM_NOW = f"sendInitialEvents=false&{NOT_OLDER_THAN}"
FORBIDDEN, NOT_SUPPORTED = "FieldValueForbidden", "FieldValueNotSupported"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples of every kind."""
    served.write(samples(served))


@pytest.fixture
def place(served: Served, request: pytest.FixtureRequest) -> str:
    """Return the list of a namespace of the test's own, in which two lines are."""
    namespace = f"n{zlib.crc32(request.node.name.encode())}"
    served.write(lines(served, 2, namespace=namespace))
    return path_of("containerlogs", namespace)


def namespace_of(place: str) -> str:
    return place.split("/")[-2]


def write(served: Served, place: str, documents: Documents) -> None:
    """Write, and ask for a list: for that the tail looks at once."""
    served.write(documents)
    served.version(place)


def told(events: list[Any]) -> list[str]:
    """Return what the lines of events say."""
    return said([event["object"] for event in events if is_live(event)])


@pytest.mark.paragraph("3.1", "A watch is 200, JSON, chunked, of unknown length.")
@pytest.mark.parametrize("kind", KINDS)
def test_the_head_of_a_watch(served: Served, kind: str) -> None:
    with served.watch(f"{sample_path(kind)}?x=y") as stream:
        assert stream.response.status == 200
        assert stream.response.headers["Content-Type"] == "application/json"
        assert stream.response.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in stream.response.headers
        assert stream.next()["object"]["kind"] == KIND_OF[kind]


@pytest.mark.paragraph("3.1", "One event is one line; there are no blank lines; the end is clean.")
@pytest.mark.paragraph("3.8", "timeoutSeconds ends a watch cleanly.")
def test_the_frames_of_a_watch(served: Served) -> None:
    raw = served.raw(f"{LINES}?watch=true&timeoutSeconds=1&{BOOKMARKS}")
    _, _, chunked = raw.partition(b"\r\n\r\n")
    assert chunked.endswith(b"\r\n0\r\n\r\n")
    body = b"".join(chunks(chunked))
    assert body.endswith(b"\n")
    for text in body[:-1].split(b"\n"):
        assert set(load_json(text)) == {"type", "object"}


def chunks(data: bytes) -> Iterator[bytes]:
    while data:
        size, _, data = data.partition(b"\r\n")
        yield data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


@pytest.mark.paragraph("3.1", "One object can be watched, by its name or by a selector of it.")
def test_a_watch_of_one_object(served: Served) -> None:
    name = served.json(LINES)["items"][1]["metadata"]["name"]
    for path in (f"{LINES}/{name}?", f"{LINES}?fieldSelector=metadata.name={name}&"):
        with served.watch(f"{path}{WATCH_LIST}") as stream:
            *events, _ = stream.until(is_initial_end)
        assert [event["object"]["metadata"]["name"] for event in events] == [name]


@pytest.mark.paragraph(
    "3.2", "What is new is ADDED, whole, as its list shows it but for its version."
)
def test_added(served: Served, place: str) -> None:
    with served.watch(f"{place}?resourceVersion={served.version(place)}") as stream:
        write(served, place, line(served, "new", namespace=namespace_of(place)))
        event = stream.next()
    assert event["type"] == "ADDED"
    listed = served.json(place)["items"]
    (same,) = [item for item in listed if said([item]) == ["new"]]
    for obj in (same, event["object"]):
        del obj["metadata"]["resourceVersion"]
    assert event["object"] == same


@pytest.mark.paragraph(
    "3.2", "What enters a view is ADDED, what changes MODIFIED, what leaves DELETED."
)
def test_transitions(served: Served, place: str) -> None:
    selector = "labelSelector=state=open"
    index = served.index("containerlogs")

    def put(state: str, log: str) -> None:
        document = container_line(log, namespace=namespace_of(place))
        document["kubernetes"]["labels"] = {"state": state}
        served.replace(index, "turns", document)
        served.version(place)

    put("closed", "first")
    with served.watch(f"{place}?{selector}&resourceVersion={served.version(place)}") as stream:
        events = []
        for state, log in (("open", "second"), ("open", "third"), ("closed", "fourth")):
            put(state, log)
            events.append(stream.next())
        put("open", "fifth")
        events.append(stream.next())
    assert types_of(events) == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert len({event["object"]["metadata"]["uid"] for event in events}) == 1
    versions = [version_of(event) for event in events]
    assert versions == sorted(set(versions))
    assert told(events)[0] == "second"


STARTS = [
    # (query, what is told of the two lines there, whether the bookmark of the end comes)
    ("", True, False),
    ("resourceVersion=", True, False),
    ("resourceVersion=0", True, False),
    (BOOKMARKS, True, True),
    (f"resourceVersion=0&{BOOKMARKS}", True, True),
    (f"sendInitialEvents=true&{NOT_OLDER_THAN}", True, False),
    (f"resourceVersion=0&sendInitialEvents=true&{NOT_OLDER_THAN}", True, False),
    (WATCH_LIST, True, True),
    (f"resourceVersion=0&{WATCH_LIST}", True, True),
    (f"resourceVersion={{NOW}}&{WATCH_LIST}", True, True),
    (f"resourceVersion=1&{WATCH_LIST}", True, True),
    (FROM_NOW, False, False),
    (f"{FROM_NOW}&{BOOKMARKS}", False, False),
    (f"resourceVersion=0&{FROM_NOW}", False, False),
    ("resourceVersion={NOW}", False, False),
    (f"resourceVersion={{NOW}}&{BOOKMARKS}", False, False),
    (f"resourceVersion={{NOW}}&{FROM_NOW}", False, False),
]


@pytest.mark.paragraph("3.3", "The matrix: which watch begins with what there is.")
@pytest.mark.paragraph(
    "3.4", "The end of what there is has its bookmark, if bookmarks are allowed."
)
@pytest.mark.parametrize(("query", "state", "bookmark"), STARTS)
def test_how_a_watch_begins(
    served: Served, place: str, query: str, state: bool, bookmark: bool
) -> None:
    """A line that is written when the watch has begun comes after all that."""
    now = served.version(place)
    with served.watch(f"{place}?{query.replace('{NOW}', now)}") as stream:
        write(served, place, line(served, "new", namespace=namespace_of(place)))
        events = stream.until(lambda event: told([event]) == ["new"])
    assert told(events) == [*(["line-0000", "line-0001"] if state else []), "new"]
    ends = [at for at, event in enumerate(events) if is_initial_end(event)]
    assert ends == ([2] if bookmark else [])


CONTRADICTIONS = [
    ("sendInitialEvents=true", FORBIDDEN),
    ("sendInitialEvents=false", FORBIDDEN),
    ("sendInitialEvents=true&resourceVersion=0", FORBIDDEN),
    (NOT_OLDER_THAN, FORBIDDEN),
    (f"{NOT_OLDER_THAN}&resourceVersion=5", FORBIDDEN),
    ("resourceVersionMatch=Exact&sendInitialEvents=true", NOT_SUPPORTED),
    ("resourceVersionMatch=Other&sendInitialEvents=false", NOT_SUPPORTED),
    ("resourceVersionMatch=Exact&resourceVersion=5", FORBIDDEN),
    (f"{WATCH_LIST}&continue=x", FORBIDDEN),
    ("continue=x", FORBIDDEN),
    ("continue=x&resourceVersion=0", FORBIDDEN),
]


@pytest.mark.paragraph("3.3", "What contradicts itself is 422 before the stream begins.")
@pytest.mark.parametrize(("query", "reason"), CONTRADICTIONS)
def test_contradictions(served: Served, query: str, reason: str) -> None:
    status = refused(served.ask(f"{LINES}?watch=true&{query}"), 422)
    assert (reason, "resourceVersionMatch") in causes_of(status)


@pytest.mark.paragraph("3.3", "A plain watch from the future begins a little before now.")
def test_a_future_version(served: Served, place: str) -> None:
    with served.watch(f"{place}?resourceVersion={FUTURE}") as stream:
        write(served, place, line(served, "new", namespace=namespace_of(place)))
        events = stream.until(lambda event: told([event]) == ["new"])
    assert set(types_of(events)) == {"ADDED"}


@pytest.mark.paragraph("3.4", "The end of nothing has its bookmark too.")
@pytest.mark.parametrize("version", ["", "&resourceVersion=0", "&resourceVersion=1"])
def test_the_end_of_nothing(served: Served, version: str) -> None:
    with served.watch(f"{EMPTY}?{WATCH_LIST}{version}") as stream:
        event = stream.next()
    assert is_initial_end(event)
    assert version_of(event) > 0


@pytest.mark.paragraph(
    "3.4", "The bookmark of the end is at or above all before it, and asked for."
)
@pytest.mark.paragraph("3.5", "A bookmark is of the watched kind, with a version and no more.")
@pytest.mark.parametrize("kind", KINDS)
def test_the_bookmark_of_the_end(served: Served, kind: str) -> None:
    asked = served.version(sample_path(kind))
    with served.watch(f"{sample_path(kind)}?{WATCH_LIST}&resourceVersion={asked}") as stream:
        *events, end = stream.until(is_initial_end)
    assert types_of(events) == ["ADDED", "ADDED"]
    assert version_of(end) >= max(int(asked), *map(version_of, events))
    obj = end["object"]
    assert (obj["kind"], obj["apiVersion"]) == (KIND_OF[kind], "core.kjournal/v1alpha1")
    assert set(obj) == {"kind", "apiVersion", "metadata"}
    assert obj["metadata"].pop("annotations") == {INITIAL_EVENTS_END: "true"}
    assert not obj["metadata"].pop("creationTimestamp", None)
    assert set(obj["metadata"]) == {"resourceVersion"}


@pytest.mark.paragraph("3.5", "Before a stream ends there is a bookmark, from which it goes on.")
def test_the_last_bookmark(served: Served, place: str) -> None:
    from_here = f"{place}?{BOOKMARKS}&resourceVersion="
    version = served.version(place)
    served.write(line(served, "before", namespace=namespace_of(place)))
    events = served.events(f"{from_here}{version}")
    assert types_of(events) == ["ADDED", "BOOKMARK"]
    assert version_of(events[1]) >= version_of(events[0])
    served.write(line(served, "meanwhile", namespace=namespace_of(place)))
    assert told(events) == ["before"]
    assert told(served.events(f"{from_here}{version_of(events[1])}")) == ["meanwhile"]


@pytest.mark.paragraph("3.5", "Who does not allow bookmarks gets none.")
def test_no_bookmarks(served: Served) -> None:
    assert set(types_of(served.events(f"{LINES}?allowWatchBookmarks=false"))) == {"ADDED"}


@pytest.mark.paragraph("3.6", "What is wrong with a request is told before the stream begins.")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("fieldSelector=spec.none=x", 400),
        ("labelSelector=a=b=c", 400),
        ("resourceVersion=x", 400),
        ("resourceVersion=-1", 400),
        ("timeoutSeconds=x", 400),
        ("includeObject=x", 400),
        ("sendInitialEvents=true", 422),
    ],
)
def test_errors_before_the_stream(served: Served, query: str, code: int) -> None:
    refused(served.ask(f"{LINES}?watch=true&{query}"), code)


def check_error(event: Any, code: int) -> None:
    assert event["type"] == "ERROR"
    check_status(event["object"], code)
    assert event["object"]["metadata"] == {}


@pytest.mark.paragraph("3.6", "A version that is too old is 200, one ERROR of 410, and the end.")
@pytest.mark.parametrize("version", ["1", "1000000000000000"])
@pytest.mark.parametrize("accept", ["application/json", TABLE, PARTIAL])
def test_a_version_that_is_too_old(served: Served, version: str, accept: str) -> None:
    path = f"{LINES}?resourceVersion={version}&watch=true"
    answer = served.ask(path, headers={"Accept": accept})
    assert answer.status == 200
    (event,) = map(load_json, answer.body.splitlines())
    check_error(event, 410)


@pytest.mark.paragraph("3.8", "A watch ends at its timeout, and `timeout` is ignored.")
def test_the_timeout(served: Served) -> None:
    answer = served.ask(f"{LINES}?watch=true&timeoutSeconds=1&timeout=1ms")
    assert answer.status == 200
    assert answer.body.count(b"\n") == 2
