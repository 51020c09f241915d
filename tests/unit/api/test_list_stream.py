"""Lists without a limit: streamed as fast as the reader reads, and never a part for a whole."""

import attrs
import pytest
from twisted.internet.defer import Deferred

from kjournal.api.gate import DEADLINE_S
from kjournal.errors import (
    StoreUnavailable,
)
from tests.unit.api.serving import PARTIAL_LIST, TABLE, Server, server
from tests.unit.api.verbs import LINES


@pytest.fixture
def many() -> Server:
    """Return a gateway with more lines than one slice."""
    api = server(lambda settings: attrs.evolve(settings, bulk_size=300))
    for number in range(1000):
        api.line(str(number), number - 3600, payload=f"{number} {'x' * 500}")
    return api


@pytest.mark.parametrize("accept", ["application/json", TABLE, PARTIAL_LIST])
def test_streamed(many: Server, accept: str) -> None:
    """A list without a limit is streamed whole, in any representation."""
    found = many.get(f"{LINES}?limit=-1", Accept=accept)
    assert found.headers["transfer-encoding"] == "chunked"
    assert found.headers["content-type"] == "application/json"
    assert len(found.json["rows" if accept is TABLE else "items"]) == 1000
    assert "continue" not in found.json["metadata"]
    assert many.store().released == ["s0.1000"]


def test_streamed_failure(many: Server) -> None:
    """A store that fails in the middle breaks the connection: no client sees a whole list."""
    slow: Deferred[None] = Deferred()
    many.store().next_answers("list_page", *[_now() for _ in range(2)], slow)
    found = many.get(LINES)
    assert found.status == 200
    assert not found.whole
    slow.errback(StoreUnavailable("gone"))
    many.tick(0)
    assert found.transport.aborted
    assert not found.whole
    assert b'"metadata":{"resourceVersion"' not in found.body[-200:]
    assert b"gone" not in found.bytes
    assert many.store().released == ["s0.1000"]


def _now() -> Deferred[None]:
    done: Deferred[None] = Deferred()
    done.callback(None)
    return done


def test_first_slices_failure(many: Server) -> None:
    """A store that fails before the first byte is a Status, and the snapshot is given up."""
    many.store().page_records = 100
    many.store().next_answers("list_page", _now(), StoreUnavailable("gone"))
    found = many.get(f"{LINES}?limit=301")
    assert found.status == 503
    assert many.store().released == ["s0.1000"]


def test_slow_reader(many: Server) -> None:
    """A list waits for its reader, and is cut when the reader stalls."""
    slow: Deferred[None] = Deferred()
    many.store().next_answers("list_page", _now(), slow)
    found = many.get(LINES)
    found.transport.producer.pauseProducing()
    slow.callback(None)
    many.tick(0)
    size, calls = len(found.bytes), many.store().calls.count("list_page")
    many.tick(29)
    assert (len(found.bytes), many.store().calls.count("list_page")) == (size, calls)
    assert not found.transport.aborted
    many.tick(2)
    assert found.transport.aborted
    assert not found.whole
    assert many.store().released == ["s0.1000"]


def test_slow_reader_resumes(many: Server) -> None:
    """A reader that reads on gets all of it."""
    slow: Deferred[None] = Deferred()
    many.store().next_answers("list_page", _now(), slow)
    found = many.get(LINES)
    found.transport.producer.pauseProducing()
    slow.callback(None)
    many.tick(20)
    found.transport.producer.resumeProducing()
    many.tick(0)
    assert len(found.json["items"]) == 1000


@pytest.mark.parametrize("limit", ["", "?limit=400"])
def test_disconnect(many: Server, limit: str) -> None:
    """A client that leaves stops the reading, and its snapshot is given up."""
    slow: Deferred[None] = Deferred()
    many.store().next_answers("list_page", _now(), slow)
    found = many.get(LINES + limit)
    found.leave()
    many.tick(0)
    assert many.store().calls.count("list_page") == 2
    assert many.store().released == ["s0.1000"]


def test_disconnect_before_checkpoint(api: Server) -> None:
    """A client that leaves before the list began disturbs nobody."""
    slow: Deferred[None] = Deferred()
    api.store().next_answers("poll", slow)
    leaving, staying = api.get(LINES), api.get(LINES)
    leaving.leave()
    slow.callback(None)
    api.tick(0)
    assert staying.status == 200
    assert api.resources["containerlogs"].tail.running


def test_deadline(api: Server) -> None:
    """A store that does not answer is 504 before kube-apiserver gives up."""
    api.store().next_answers("list_page", Deferred())
    found = api.get(LINES)
    api.tick(DEADLINE_S + 1)
    assert (found.status, found.json["reason"]) == (504, "Timeout")
