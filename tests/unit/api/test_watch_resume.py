"""Watches that break off and go on, in bytes: here, at another process, and from the store."""

from urllib.parse import quote

import pytest
from twisted.internet.defer import Deferred, succeed

from kjournal.api.watch import BOOKMARK_S
from kjournal.errors import StoreUnavailable
from kjournal.tail.figures import TailLimits
from tests.unit.api.serving import BEGIN_S, TABLE, Call, Server, server
from tests.unit.api.verbs import LINES, version_of


def watch(api: Server, version: str, more: str = "", **headers: str) -> Call:
    return api.get(f"{LINES}?watch=true&resourceVersion={version}{more}", **headers)


def versions(call: Call) -> list[int]:
    return [int(frame["object"]["metadata"]["resourceVersion"]) for frame in call.frames]


def payloads(call: Call) -> list[str]:
    return [payload for _, payload in call.types]


@pytest.fixture
def other(api: Server) -> Server:
    """Return another process on the same store."""
    return server(beside=api)


def arrive(api: Server, *ids: str) -> None:
    """Store lines, and have all processes know when they came."""
    for store in api.backend.stores:
        store.arrived.append((api.resources["containerlogs"].now_us(), len(api.backend.rows)))
    for id in ids:
        api.line(id)


def test_at_another_process(api: Server, other: Server) -> None:
    """What the first has not shown comes at once, then what is live; the rest may come again."""
    first = watch(api, version_of(api))
    arrive(api, "0", "1")
    api.tick()
    first.leave()
    api.tick(60)
    arrive(api, "2", "3")
    api.tick(1)
    assert payloads(first) == ["0", "1"]
    again = watch(other, str(versions(first)[-1]))
    assert set(payloads(again)) >= {"2", "3"}
    arrive(api, "4")
    other.tick()
    assert payloads(again)[-1] == "4"
    assert len(set(payloads(again))) == len(payloads(again))
    assert versions(again) == sorted(set(versions(again)))
    assert versions(again)[0] > versions(first)[-1]
    assert other.store().released == ["s0.4"]
    assert other.store().calls.count("position_before") == 1


def test_a_catch_up_has_the_form_that_is_asked_for(api: Server, other: Server) -> None:
    """A Table has one row in each event; its version is the event's."""
    version = version_of(api)
    arrive(api, "0")
    api.tick(1)
    (frame,) = watch(other, version, Accept=TABLE).frames
    assert frame["object"]["kind"] == "Table"
    (row,) = frame["object"]["rows"]
    shown = row["object"]["metadata"]["resourceVersion"]
    assert frame["object"]["metadata"]["resourceVersion"] == shown
    assert int(shown) != int(version)


def test_a_catch_up_shows_its_view(api: Server, other: Server) -> None:
    """What another namespace or the selector leaves out is left out, whatever the store returns."""
    version = version_of(api)
    other.store().exact = False
    arrive(api, *(str(n) for n in range(900)))
    api.line("x", namespace="b")
    api.tick(1)
    selector = quote("payload in (7,800,x)")
    assert payloads(watch(other, version, f"&fieldSelector={selector}")) == ["7", "800"]


def test_bookmarks_after_a_catch_up(api: Server, other: Server) -> None:
    """They are above all that was caught up, and good to go on from at that process."""
    version = version_of(api)
    arrive(api, "0")
    api.tick(1)
    found = watch(other, version, "&allowWatchBookmarks=true")
    other.tick(BOOKMARK_S)
    assert [f["type"] for f in found.frames] == ["ADDED", "BOOKMARK"]
    assert versions(found) == sorted(versions(found))
    arrive(api, "1")
    other.tick()
    assert payloads(watch(other, str(versions(found)[1]))) == ["1"]


@pytest.mark.parametrize("bookmarks", ["", "&allowWatchBookmarks=true"])
def test_store_failing_in_the_catch_up(api: Server, other: Server, bookmarks: str) -> None:
    """The stream ends cleanly, without a bookmark that would hide what is missing."""
    version = version_of(api)
    arrive(api, *(str(n) for n in range(700)))
    api.tick(1)
    other.store().page_records = 300
    slow: Deferred[None] = Deferred()
    other.store().next_answers("list_page", succeed(None), slow)
    found = watch(other, version, bookmarks)
    slow.errback(StoreUnavailable("gone"))
    other.tick(0)
    assert found.whole
    assert not found.transport.aborted
    assert [f["type"] for f in found.frames] == ["ADDED"] * 299
    assert len(other.tail().hub) == 0
    assert other.store().released == ["s0.700"]
    again = watch(other, str(versions(found)[-1]))
    assert set(payloads(found)) | set(payloads(again)) == {str(n) for n in range(700)}


@pytest.mark.parametrize("method", ["position_before", "poll", "list_page"])
def test_store_down_before_the_catch_up(api: Server, other: Server, method: str) -> None:
    """Before the first byte it is a Status, and nothing stays behind."""
    version = version_of(api)
    api.tick(1)
    other.store().next_answers(method, StoreUnavailable("gone"))
    found = watch(other, version)
    assert (found.status, found.json["reason"]) == (503, "ServiceUnavailable")
    assert len(other.tail().hub) == 0


def test_leaving_in_the_catch_up(api: Server, other: Server) -> None:
    """A client that leaves lets go of its place and its snapshot."""
    version = version_of(api)
    arrive(api, *(str(n) for n in range(700)))
    api.tick(1)
    other.store().page_records = 300
    other.store().next_answers("list_page", succeed(None), Deferred())
    found = watch(other, version)
    assert len(found.frames) == 299
    found.leave()
    other.tick(0)
    assert len(other.tail().hub) == 0
    assert other.store().released == ["s0.700"]


def test_slow_reader_of_a_catch_up(api: Server, other: Server) -> None:
    """It is read as fast as the client reads, and cut when the client stalls."""
    version = version_of(api)
    arrive(api, *(str(n) for n in range(700)))
    api.tick(1)
    slow: Deferred[None] = Deferred()
    other.store().next_answers("list_page", slow)
    found = watch(other, version)
    assert found.body == b""
    other.store().page_records = 300
    slow.callback(None)
    found.transport.producer.pauseProducing()
    other.tick(1)
    assert len(found.frames) < 700
    other.tick(31)
    assert found.transport.aborted
    assert not found.whole
    assert len(other.tail().hub) == 0
    assert other.tail().figures.slow_closes == 1


def test_timeout_gives_a_last_bookmark(api: Server) -> None:
    """A watch that ends at its time tells how far it was, to whoever asked for bookmarks."""
    version = version_of(api)
    asked = watch(api, version, "&timeoutSeconds=20&allowWatchBookmarks=true")
    plain = watch(api, version, "&timeoutSeconds=20")
    api.line("0")
    api.tick()
    api.tick(20)
    assert asked.whole
    assert plain.whole
    assert [f["type"] for f in asked.frames] == ["ADDED", "BOOKMARK"]
    assert [f["type"] for f in plain.frames] == ["ADDED"]
    assert payloads(watch(api, str(versions(asked)[-1]))) == []


def test_shutdown_gives_a_last_bookmark(api: Server) -> None:
    """So does one that ends since the process stops."""
    found = watch(api, version_of(api), "&allowWatchBookmarks=true")
    Deferred.fromCoroutine(api.tail().stop())
    api.tick(0)
    assert found.whole
    assert [f["type"] for f in found.frames] == ["BOOKMARK"]


def test_a_timeout_in_the_initial_events(api: Server) -> None:
    """The stream ends without a bookmark that would hide what is missing, and is resumed."""
    slow: Deferred[None] = Deferred()
    api.lines(400)
    api.store().page_records = 300
    api.store().next_answers("list_page", succeed(None), slow)
    found = watch(api, "", "&timeoutSeconds=5&allowWatchBookmarks=true")
    api.line("new")
    api.tick(6)
    slow.callback(None)
    api.tick(0)
    assert found.whole
    assert {f["type"] for f in found.frames} == {"ADDED"}
    assert 0 < len(found.frames) <= 400


def test_bookmarks_stop_while_the_store_is_silent(api: Server) -> None:
    """A client can tell a silent store from a silent cluster."""
    found = watch(api, version_of(api), "&allowWatchBookmarks=true")
    api.tick(BOOKMARK_S)
    assert [f["type"] for f in found.frames] == ["BOOKMARK"]
    api.store().next_answers("poll", Deferred())
    for _ in range(5):
        api.tick(BOOKMARK_S)
    assert len(found.frames) <= 2


def test_resume_window_is_a_setting(api: Server) -> None:
    """Beyond it a watch is expired, within it not."""
    short = server(limits=TailLimits(resume_window_s=60), beside=api)
    version = version_of(short)
    short.tick(59)
    assert watch(short, version).frames == []
    short.tick(2)
    (frame,) = watch(short, version).frames
    assert (frame["type"], frame["object"]["code"]) == ("ERROR", 410)


def test_deleted_from_a_view(api: Server) -> None:
    """An object that stops to match is DELETED, as it last was, with the event's version."""
    found = watch(api, version_of(api), f"&fieldSelector={quote('payload=bad')}")
    api.line("x", payload="bad")
    api.tick()
    api.line("x", payload="good")
    api.tick()
    assert found.types == [("ADDED", "bad"), ("DELETED", "bad")]
    assert versions(found)[0] < versions(found)[1]
    assert versions(found)[0] >= BEGIN_S * 1e6
