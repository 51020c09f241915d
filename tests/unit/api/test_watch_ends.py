"""How a watch ends: at its time, for its reader, for the store, and for a stop."""

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from kjournal.api.watch import BOOKMARK_S, MIN_TIMEOUT_S
from kjournal.api.writer import PIECE_BYTES, STALL_S
from kjournal.errors import StoreUnavailable
from kjournal.tail.figures import TailLimits
from kjournal.tail.tail import IDLE_S, PATIENCE_S
from tests.conftest import LoggedFailures
from tests.unit.api.serving import BEGIN_S, Server, server
from tests.unit.api.verbs import WATCHLIST, hub, version_of, watch


def test_timeout(api: Server) -> None:
    """TimeoutSeconds ends the stream with its last chunk, and everything is let go."""
    found = watch(api, "&timeoutSeconds=5&allowWatchBookmarks=true")
    api.tick(4.9)
    assert not found.whole
    api.tick(0.2)
    assert found.whole
    assert not found.transport.aborted
    assert len(hub(api)) == 0


@pytest.mark.parametrize("given", ["", "&timeoutSeconds=0", "&timeoutSeconds=-3"])
def test_default_timeout(api: Server, given: str) -> None:
    """Without a timeout a watch lives for 30 to 60 minutes."""
    found = watch(api, given)
    api.tick(MIN_TIMEOUT_S - 1)
    assert not found.whole
    api.tick(MIN_TIMEOUT_S + 1)
    assert found.whole


@pytest.mark.parametrize("version", ["1", str(int((BEGIN_S - 15 * 60) * 1e6) - 1)])
@pytest.mark.parametrize("running", [True, False])
def test_too_old(api: Server, version: str, running: bool) -> None:
    """A version from beyond the resume window is one ERROR frame of 410 inside a 200."""
    if running:
        version_of(api)
    found = watch(api, f"&resourceVersion={version}")
    assert found.status == 200
    (frame,) = found.frames
    assert frame["type"] == "ERROR"
    status = frame["object"]
    assert (status["kind"], status["apiVersion"], status["metadata"]) == ("Status", "v1", {})
    assert (status["status"], status["reason"], status["code"]) == ("Failure", "Expired", 410)
    assert "too old resource version" in status["message"]
    assert found.whole
    assert len(hub(api)) == 0
    assert api.tail().figures.resumes == {"expired": 1}


def test_after_idle() -> None:
    """A watch from before an idle stop goes on where it was."""
    api = server(limits=TailLimits(resume_window_s=3600))
    version = version_of(api)
    api.tick()
    api.tick(IDLE_S + 1)
    api.tick()
    assert not api.tail().running
    api.line("meanwhile")
    found = watch(api, f"&resourceVersion={version}")
    api.line("then")
    api.tick()
    assert found.types == [("ADDED", "meanwhile"), ("ADDED", "then")]


@pytest.mark.parametrize("bookmarks", [True, False])
def test_fell_behind(bookmarks: bool) -> None:
    """A reader so slow that events were forgotten is ended cleanly, and resumes without a gap."""
    api = server(limits=TailLimits(window_bytes=7000))
    version = version_of(api)
    found = watch(api, f"&resourceVersion={version}&allowWatchBookmarks={bookmarks}")
    found.transport.producer.pauseProducing()
    api.lines(1)
    api.tick()
    api.lines(9, begin=1)
    api.tick()
    found.transport.producer.resumeProducing()
    api.tick(0)
    assert found.whole
    assert not found.transport.aborted
    assert [f["type"] for f in found.frames] == ["ADDED"] + ["BOOKMARK"] * bookmarks
    versions = [f["object"]["metadata"]["resourceVersion"] for f in found.frames]
    assert len(set(versions)) == 1
    assert api.tail().figures.slow_closes == 1
    again = watch(api, f"&resourceVersion={versions[-1]}")
    api.tick()
    # What is no longer kept is read from the store, from the beginning of a poll's batch.
    assert [payload for _, payload in again.types] == [str(n) for n in range(10)]
    assert api.tail().figures.resumes == {"exact": 1, "store": 1}


def test_slow_reader(api: Server) -> None:
    """A paused reader gets nothing more, and everything in order when it reads again."""
    found = watch(api, f"&resourceVersion={version_of(api)}")
    found.transport.producer.pauseProducing()
    api.lines(1)
    api.tick()
    size = len(found.bytes)
    api.lines(5, begin=1)
    api.tick(20)
    assert len(found.bytes) == size
    found.transport.producer.resumeProducing()
    api.tick(0)
    assert [payload for _, payload in found.types] == [str(n) for n in range(6)]


def test_stalled_reader(api: Server) -> None:
    """A reader that takes nothing for 30 s is cut off, and its place freed."""
    found = watch(api, f"&resourceVersion={version_of(api)}")
    found.transport.producer.pauseProducing()
    api.line("x")
    api.tick()
    api.tick(31)
    assert found.transport.aborted
    assert not found.whole
    assert len(hub(api)) == 0


def test_slow_reader_of_a_long_event(api: Server) -> None:
    """An event that takes longer to read than 30 s is read, as long as some of it is taken."""
    found = watch(api, f"&resourceVersion={version_of(api)}")
    transport: Any = found.transport
    write = transport.writeSequence

    def full_at_once(parts: Sequence[bytes]) -> None:
        write(parts)
        transport.producer.pauseProducing()

    transport.writeSequence = full_at_once
    api.line("x", payload="y" * (PIECE_BYTES * 3))
    api.tick()
    for _ in range(3):
        assert b"\n" not in found.body
        api.tick(STALL_S - 1)
        transport.producer.resumeProducing()
    assert [f["type"] for f in found.frames] == ["ADDED"]
    assert not transport.aborted


def test_disconnect(api: Server) -> None:
    """A client that leaves frees its subscription and timers."""
    found = watch(api, f"&resourceVersion={version_of(api)}&allowWatchBookmarks=true")
    assert len(hub(api)) == 1
    found.leave()
    assert len(hub(api)) == 0
    api.line("x")
    api.tick(BOOKMARK_S * 2)
    api.tick(IDLE_S + 1)
    api.tick(1)
    assert not api.resources["containerlogs"].tail.running


@pytest.mark.parametrize("method", ["poll", "list_page"])
def test_disconnect_early(api: Server, method: str) -> None:
    """A client that leaves before or during its initial events frees everything."""
    slow: Deferred[None] = Deferred()
    api.lines(1)
    api.store().next_answers(method, slow)
    found = watch(api)
    found.leave()
    if method == "poll":
        slow.callback(None)
    api.tick(0)
    assert len(hub(api)) == 0
    assert version_of(api)


def test_store_down_before(api: Server) -> None:
    """A store that does not answer before the stream is a Status."""
    api.store().next_answers("poll", StoreUnavailable("gone"))
    found = watch(api)
    assert found.status == 503
    assert found.json["reason"] == "ServiceUnavailable"


def test_store_down_in_initial_events(api: Server) -> None:
    """A store that fails before the first initial event is a Status, and nothing stays behind."""
    api.store().next_answers("list_page", StoreUnavailable("gone"))
    found = watch(api, WATCHLIST)
    assert (found.status, found.json["code"]) == (503, 503)
    assert len(api.resources["containerlogs"].tail.hub) == 0


def test_store_down_later(api: Server) -> None:
    """A live watch bridges a silent store; beyond patience it ends cleanly, and can be resumed."""
    version = version_of(api)
    found = watch(api, f"&resourceVersion={version}")
    api.line("a")
    api.store().next_answers("poll", *[StoreUnavailable("gone")] * 4)
    for _ in range(60):
        api.tick(0.5)
    assert found.types == [("ADDED", "a")]
    assert not found.whole
    api.line("b")
    api.store().next_answers("poll", *[StoreUnavailable("gone")] * 12)
    for _ in range(int(PATIENCE_S * 4)):
        api.tick(0.5)
    assert found.types == [("ADDED", "a")]
    assert found.whole
    last = found.frames[-1]["object"]["metadata"]["resourceVersion"]
    again = watch(api, f"&resourceVersion={last}")
    for _ in range(10):
        api.tick(5)
    assert again.types == [("ADDED", "b")]


def test_shutdown(api: Server) -> None:
    """A stop ends streams with their last chunk; a later watch is 503, to be tried again."""
    found = watch(api)
    Deferred.fromCoroutine(api.resources["containerlogs"].tail.stop())
    api.tick(0)
    assert found.whole
    later = watch(api)
    assert later.status == 503
    assert later.headers["retry-after"] == "1"
    assert watch(api, "&resourceVersion=5").status == 503


def test_bug(api: Server, logged_failures: LoggedFailures) -> None:
    """A bug after the headers breaks the connection, and tells nothing of itself."""
    broken: Deferred[None] = Deferred()
    api.lines(400)
    api.store().page_records = 300
    api.store().next_answers("list_page", succeed(None), broken)
    found = watch(api)
    broken.errback(ZeroDivisionError("secret"))
    api.tick(0)
    assert found.transport.aborted
    assert not found.whole
    assert b"secret" not in found.bytes
    assert len(logged_failures.events) == 1
    logged_failures.clear()
