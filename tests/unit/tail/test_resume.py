"""Where a watch goes on: exactly after its own process, at least once after another, or Expired."""

import pytest
from twisted.internet.defer import Deferred

from kjournal.errors import Expired, ServiceUnavailable, StoreUnavailable
from kjournal.query.view import View
from kjournal.tail.figures import TailLimits
from kjournal.tail.hub import Bookmark
from tests.results import failure, pending, started, success
from tests.unit.tail.tailing import BEGIN_S, POLL_S, VIEW, Client, Rig, rig_of

SMALL = TailLimits(window_bytes=7000)


def batch(rig: Rig, *payloads: str) -> None:
    """Publish records in one poll."""
    for payload in payloads:
        rig.write(payload)
    rig.version()


def resumed(rig: Rig, version: int, view: View = VIEW) -> Client:
    """Return a client that has read all there is after a version."""
    client = Client(view, version)
    client.connect(rig)
    client.read(rig, 1000)
    return client


def foreign(version: int) -> int:
    """Return a number close by that another process gave."""
    return version + 1


@pytest.mark.parametrize("seen", range(5))
def test_exact_after_each_event(rig: Rig, seen: int) -> None:
    """After any event, also in the middle of a batch, exactly what followed it comes."""
    client = Client(VIEW, rig.version())
    client.connect(rig)
    batch(rig, "0", "1", "2")
    rig.tick(1)
    batch(rig, "3", "4")
    client.read(rig, seen + 1)
    again = resumed(rig, client.versions[seen])
    assert again.payloads == [str(n) for n in range(seen + 1, 5)]
    assert rig.tail.figures.resumes == {"exact": 2}
    assert rig.store.calls.count("list_page") == 0


def test_exact_after_a_checkpoint_and_a_bookmark(rig: Rig) -> None:
    """Versions of lists and bookmarks are good to go on from."""
    client = Client(View(kind="containerlogs", namespace="b"), rig.version())
    client.connect(rig)
    batch(rig, "0", "1")
    at_list = rig.version()
    assert client.subscription is not None
    client.subscription.ask_bookmark()
    client.read(rig, 1)
    batch(rig, "2")
    assert resumed(rig, at_list).payloads == ["2"]
    assert client.bookmarks == [at_list]
    assert resumed(rig, client.bookmarks[0]).payloads == ["2"]


def test_exact_after_a_long_silence(rig: Rig) -> None:
    """A version of minutes ago is as good, while the window reaches back so far."""
    version = rig.version()
    watching = rig.tail.subscribe(VIEW, version)
    batch(rig, "0")
    for _ in range(440):
        rig.tick()
    batch(rig, "1")
    assert resumed(rig, version).payloads == ["0", "1"]
    watching.close()


def test_foreign_number(rig: Rig) -> None:
    """Another replica's number begins at the overlap before it: again rather than never."""
    watching = rig.tail.subscribe(VIEW, rig.version())
    batch(rig, "long before")
    rig.tick(20)
    batch(rig, "shortly before")
    rig.tick(3)
    version = foreign(rig.version())
    batch(rig, "after")
    assert resumed(rig, version).payloads == ["shortly before", "after"]
    assert rig.tail.figures.resumes == {"overlap": 1}
    assert rig.store.calls.count("list_page") == 0
    watching.close()


def test_overlap_is_a_setting() -> None:
    """With another overlap more, or less, comes again."""
    rig = rig_of(TailLimits(resume_overlap_s=1))
    rig.tail.subscribe(VIEW, rig.version())
    rig.tick()
    batch(rig, "before")
    rig.tick()
    assert resumed(rig, foreign(rig.version())).payloads == []


@pytest.mark.parametrize("ahead_s", [0.01, 5, 3600, 10**6])
def test_future_number(rig: Rig, ahead_s: float) -> None:
    """A number of a clock that is ahead is as one of now: the watch is not silent until then."""
    rig.tail.subscribe(VIEW, rig.version())
    rig.tick()
    batch(rig, "before")
    client = resumed(rig, foreign(rig.now_us + int(ahead_s * 1e6)))
    batch(rig, "after")
    client.read(rig, 10)
    assert client.payloads == ["before", "after"]


@pytest.mark.parametrize("ahead_s", [0, 0.01, 3600])
def test_future_number_to_a_new_process(ahead_s: float) -> None:
    """The same where the tail has only just begun."""
    other = rig_of()
    other.write("old")
    other.tick(60)
    other.write("recent")
    other.tick(5)
    rig = rig_of(beside=other)
    client = resumed(rig, foreign(rig.now_us + int(ahead_s * 1e6)))
    batch(rig, "after")
    client.read(rig, 10)
    assert client.payloads == ["recent", "after"]
    assert client.versions == sorted(set(client.versions))


def test_beyond_the_window() -> None:
    """What the window has forgotten is read from the store, after the position of that number."""
    rig = rig_of(SMALL)
    rig.tail.subscribe(VIEW, rig.version())
    batch(rig, "0")
    version = rig.version()
    for number in range(1, 30):
        rig.tick(1)
        batch(rig, str(number))
    assert rig.hub_floor > version
    client = resumed(rig, version)
    assert client.payloads == [str(n) for n in range(1, 30)]
    assert rig.store.calls.count("position_before") == 0
    assert rig.tail.figures.resumes == {"store": 1}


@pytest.mark.parametrize("seen", range(4))
def test_beyond_the_window_after_a_silent_store(seen: int) -> None:
    """Also where the number's batch came after the store was away for longer than the overlap."""
    rig = rig_of(TailLimits(window_bytes=13_000))
    client = Client(VIEW, rig.version())
    client.connect(rig)
    rig.write_in_silence(5)
    client.read(rig, seen + 1)
    assert len(client.got) == seen + 1
    client.leave()
    rig.tail.subscribe(VIEW, rig.version())
    for number in range(5, 30):
        rig.tick(0.1)
        batch(rig, str(number))
    assert rig.hub_floor > client.version
    client.connect(rig)
    assert set(client.payloads) == {str(n) for n in range(30)}


def test_stopped_by_idleness() -> None:
    """A tail that stopped meanwhile goes on at the position of the number, and loses nothing."""
    rig = rig_of(TailLimits(resume_window_s=3600))
    rig.version()
    batch(rig, "0")
    version = rig.version()
    rig.stop_by_idleness()
    rig.write("1")
    rig.tick(5)
    client = resumed(rig, version)
    batch(rig, "2")
    client.read(rig, 10)
    assert client.payloads == ["1", "2"]
    assert rig.store.calls.count("position_before") == 0


def test_foreign_number_while_the_tail_begins_anew(rig: Rig) -> None:
    """Before the first answer nothing is known, though the tail runs: the store is asked."""
    rig.version()
    rig.stop_by_idleness()
    rig.tick(100)
    version = foreign(rig.now_us)
    rig.tick(3)
    rig.write("between")
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("poll", slow)
    listing = started(rig.tail.checkpoint())
    resuming = started(rig.tail.resume(VIEW, version))
    pending(resuming)
    slow.callback(None)
    rig.settle()
    success(listing)
    resumption = success(resuming)
    found = rig.caught_up(resumption) + rig.rest(resumption.subscription)
    assert [event.object["payload"] for event in found] == ["between"]


def test_too_old(rig: Rig) -> None:
    """Beyond the resume window a client lists again; the tail does not even begin."""
    for version in (1, int((BEGIN_S - 15 * 60) * 1e6) - 1):
        failure(rig.tail.resume(VIEW, version), Expired)
    assert rig.store.calls == []
    assert rig.tail.figures.resumes == {"expired": 2}
    own = rig.version()
    watching = rig.tail.subscribe(VIEW, own)
    for _ in range(460):
        rig.tick(POLL_S)
    asked = started(rig.tail.resume(VIEW, own))
    failure(asked, Expired)
    watching.close()


@pytest.mark.parametrize("method", ["position_before", "poll"])
def test_store_error(rig: Rig, method: str) -> None:
    """A store that does not answer fails the resume, and nothing stays behind."""
    rig.store.next_answers(method, StoreUnavailable("gone"))
    failure(rig.tail.resume(VIEW, foreign(rig.now_us)), StoreUnavailable)
    assert len(rig.tail.hub) == 0
    assert resumed(rig, foreign(rig.now_us)).payloads == []


def test_stopped_for_good(rig: Rig) -> None:
    """A process that stops takes nobody in."""
    version = rig.version()
    success(rig.tail.stop())
    failure(rig.tail.resume(VIEW, version), ServiceUnavailable)


def test_stopped_meanwhile(rig: Rig) -> None:
    """Neither while the store is asked."""
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("position_before", slow)
    asked = started(rig.tail.resume(VIEW, foreign(rig.now_us)))
    success(rig.tail.stop())
    slow.callback(None)
    failure(asked, ServiceUnavailable)
    assert len(rig.tail.hub) == 0


def test_left_meanwhile(rig: Rig) -> None:
    """A client that leaves during its resume leaves nothing behind."""
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("poll", slow)
    asked = started(rig.tail.resume(VIEW, foreign(rig.now_us)))
    asked.addErrback(lambda _: None)
    asked.cancel()
    slow.callback(None)
    rig.settle()
    assert len(rig.tail.hub) == 0


def test_bookmarks_do_not_go_back(rig: Rig) -> None:
    """After an overlap a bookmark is above what the client came with, once that is reached."""
    rig.tail.subscribe(VIEW, rig.version())
    version = foreign(rig.version())
    rig.tick()
    resumption = rig.resume(version)
    resumption.subscription.ask_bookmark()
    found = success(resumption.subscription.next())
    assert isinstance(found, Bookmark)
    assert found.resource_version > version
