"""Watches, in bytes: what exists, what follows, and how a stream ends."""

from urllib.parse import quote

import attrs
import pytest
from twisted.internet.defer import Deferred

from kjournal.api.watch import BOOKMARK_S
from tests.unit.api.serving import BEGIN_S, PARTIAL, TABLE, Server, server
from tests.unit.api.verbs import LINES, WATCHLIST, hub, version_of, watch

END = "k8s.io/initial-events-end"


def test_framing(api: Server) -> None:
    """Status and headers come at once; each event is one line of JSON in a chunk."""
    found = watch(api, f"&resourceVersion={version_of(api)}")
    assert found.status == 200
    assert found.headers["content-type"] == "application/json"
    assert found.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in found.headers
    assert "content-encoding" not in found.headers
    assert found.body == b""
    api.line("x")
    api.tick()
    assert found.body.count(b"\n") == 1
    (frame,) = found.frames
    assert frame["type"] == "ADDED"
    assert frame["object"]["kind"] == "ContainerLog"
    assert not found.whole
    found.done()


@pytest.mark.parametrize("version", ["", "&resourceVersion=0", "&resourceVersion="])
def test_state_first(api: Server, version: str) -> None:
    """Without a version, or with 0, what exists comes as ADDED, then what follows."""
    api.lines(3)
    api.line("other", namespace="b")
    found = watch(api, version)
    assert found.types == [("ADDED", "0"), ("ADDED", "1"), ("ADDED", "2")]
    api.line("3")
    api.line("other2", namespace="b")
    api.tick()
    assert found.types[3:] == [("ADDED", "3")]


def test_from_version(api: Server) -> None:
    """With a version only what is above it comes, in order and once."""
    api.lines(2)
    version = version_of(api)
    api.lines(3, begin=2)
    found = watch(api, f"&resourceVersion={version}")
    api.tick()
    assert [payload for _, payload in found.types] == ["2", "3", "4"]
    versions = [int(frame["object"]["metadata"]["resourceVersion"]) for frame in found.frames]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_resume(api: Server, seen: int) -> None:
    """A watch goes on after any event of another, with no gap and no repeat."""
    first = watch(api, f"&resourceVersion={version_of(api)}")
    api.lines(3)
    api.tick()
    last = first.frames[seen]["object"]["metadata"]["resourceVersion"]
    again = watch(api, f"&resourceVersion={last}")
    assert [payload for _, payload in again.types] == [str(n) for n in range(seen + 1, 3)]


def test_now(api: Server) -> None:
    """sendInitialEvents=false begins now, without state."""
    api.lines(2)
    found = watch(api, "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan")
    api.line("new")
    api.tick()
    assert found.types == [("ADDED", "new")]


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("at_version", [False, True])
def test_watch_list(api: Server, count: int, at_version: bool) -> None:
    """A WatchList ends its initial events by one marked bookmark, also of nothing, and goes on."""
    api.lines(count)
    version = version_of(api)
    found = watch(api, WATCHLIST + (f"&resourceVersion={version}" if at_version else ""))
    *initial, bookmark = found.frames
    assert [frame["type"] for frame in initial] == ["ADDED"] * count
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["kind"] == "ContainerLog"
    assert bookmark["object"]["apiVersion"] == "core.kjournal/v1alpha1"
    assert bookmark["object"]["metadata"]["annotations"] == {END: "true"}
    marked = int(bookmark["object"]["metadata"]["resourceVersion"])
    assert marked >= int(version)
    assert all(int(f["object"]["metadata"]["resourceVersion"]) <= marked for f in initial)
    api.line("new")
    api.tick()
    assert found.types[count + 1 :] == [("ADDED", "new")]


def test_the_snapshot_is_let_go(api: Server) -> None:
    """A watch holds the snapshot of its initial events no longer than them."""
    api.lines(3)
    found = watch(api, WATCHLIST)
    assert not found.whole
    assert api.store().released == ["s0.3"]
    found.leave()
    api.tick(0)
    assert api.store().released == ["s0.3"]


def test_written_meanwhile(api: Server) -> None:
    """What arrives while the initial events are read comes once, after their end."""
    api.lines(2)
    slow: Deferred[None] = Deferred()
    api.store().next_answers("list_page", slow)
    found = watch(api, WATCHLIST)
    api.line("meanwhile")
    api.tick()
    slow.callback(None)
    api.tick(0)
    assert [f["type"] for f in found.frames] == ["ADDED", "ADDED", "BOOKMARK", "ADDED"]
    assert found.types[-1] == ("ADDED", "meanwhile")


def test_future_watch_list(api: Server) -> None:
    """Initial events not older than the future are an ERROR of 504, as clients match it."""
    found = watch(api, f"{WATCHLIST}&resourceVersion={int((BEGIN_S + 10**6) * 1e6)}")
    for _ in range(50):
        api.tick(0.1)
    assert found.status == 200
    (frame,) = found.frames
    assert (frame["type"], frame["object"]["code"]) == ("ERROR", 504)
    assert frame["object"]["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert found.whole


def test_future_version(api: Server) -> None:
    """A number of the future, as of a replica whose clock is ahead, leaves nothing out."""
    version_of(api)
    api.line("before")
    api.tick()
    found = watch(api, f"&resourceVersion={int((BEGIN_S + 3600) * 1e6)}")
    assert found.types == [("ADDED", "before")]
    api.line("after")
    api.tick()
    assert found.types == [("ADDED", "before"), ("ADDED", "after")]


def test_bookmarks(api: Server) -> None:
    """Bookmarks come each minute to who asked, never below what was sent, and can be resumed."""
    version = version_of(api)
    asked = watch(api, f"&resourceVersion={version}&allowWatchBookmarks=1")
    not_asked = watch(api, f"&resourceVersion={version}")
    api.line("a")
    api.tick(BOOKMARK_S)
    api.tick(BOOKMARK_S)
    assert [f["type"] for f in asked.frames] == ["ADDED", "BOOKMARK", "BOOKMARK"]
    assert not_asked.types == [("ADDED", "a")]
    versions = [int(f["object"]["metadata"]["resourceVersion"]) for f in asked.frames]
    assert versions == sorted(versions)
    assert "annotations" not in asked.frames[1]["object"]["metadata"]
    api.line("b")
    api.tick()
    assert watch(api, f"&resourceVersion={versions[-1]}").types == [("ADDED", "b")]


def test_updated(api: Server) -> None:
    """A record that replaces itself is MODIFIED, under the same name."""
    found = watch(api, f"&resourceVersion={version_of(api)}")
    api.line("x")
    api.tick()
    api.line("x", payload="y")
    api.tick()
    assert found.types == [("ADDED", "x"), ("MODIFIED", "y")]
    first, second = (frame["object"]["metadata"] for frame in found.frames)
    assert (first["name"], first["uid"]) == (second["name"], second["uid"])
    assert first["resourceVersion"] != second["resourceVersion"]


def test_selectors(api: Server) -> None:
    """A watch shows its view and nothing else."""
    version = version_of(api)
    selector = quote("payload!=b")
    found = watch(api, f"&resourceVersion={version}&fieldSelector={selector}")
    everywhere = watch(api, f"&resourceVersion={version}", path="/containerlogs")
    for id in "abc":
        api.line(id)
    api.line("d", namespace="ab")
    api.tick()
    assert [payload for _, payload in found.types] == ["a", "c"]
    assert [payload for _, payload in everywhere.types] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("by", ["path", "selector"])
def test_one_name(api: Server, by: str) -> None:
    """One object is watched from its state on, as `kubectl get NAME -w` needs it."""
    api.lines(2)
    name = api.get(LINES).json["items"][1]["metadata"]["name"]
    if by == "path":
        found = watch(api, "&resourceVersion=0", path=f"{LINES}/{name}")
    else:
        found = watch(api, f"&resourceVersion=0&fieldSelector=metadata.name={name}")
    api.line("2")
    api.line("1", payload="again")
    api.tick()
    assert found.types == [("ADDED", "1"), ("MODIFIED", "again")]


def test_watch_prefix(api: Server) -> None:
    """The old /watch/ prefix is a watch."""
    api.lines(1)
    assert api.get(f"/watch{LINES}").types == [("ADDED", "0")]


def test_table(api: Server) -> None:
    """A Table watch has one row in each event; its bookmark carries the version."""
    api.lines(1)
    found = watch(api, WATCHLIST, Accept=TABLE)
    added, bookmark = found.frames
    for frame in (added, bookmark):
        table = frame["object"]
        assert table["kind"] == "Table"
        (row,) = table["rows"]
        assert len(row["cells"]) == len(table["columnDefinitions"])
    assert added["object"]["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    metadata = bookmark["object"]["rows"][0]["object"]["metadata"]
    assert metadata["annotations"] == {END: "true"}
    assert bookmark["object"]["metadata"]["resourceVersion"] == metadata["resourceVersion"]


def test_partial(api: Server) -> None:
    """A metadata watch has metadata alone, bookmarks too."""
    api.lines(1)
    for frame in watch(api, WATCHLIST, Accept=PARTIAL).frames:
        assert frame["object"]["kind"] == "PartialObjectMetadata"
        assert sorted(frame["object"]) == ["apiVersion", "kind", "metadata"]


def test_not_acceptable(api: Server) -> None:
    """What cannot be sent is refused before the stream."""
    assert watch(api, Accept="application/vnd.kubernetes.protobuf").status == 406


def test_shared_frames() -> None:
    """A frame is made once for all who read the same representation."""
    made: list[int] = []
    api = server(lambda settings: attrs.evolve(settings, bulk_size=10))
    version = version_of(api)
    readers = [watch(api, f"&resourceVersion={version}") for _ in range(5)]
    made = [len(reader.frames) for reader in readers]
    api.line("x")
    api.tick()
    event = hub(api).window.all.at(hub(api).window.all.end - 1)
    assert made == [0] * 5
    assert len(event.frames) == 1
    assert len({reader.body for reader in readers}) == 1
