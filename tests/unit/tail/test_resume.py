"""Where a watch goes on: exactly after its own process, at least once after another, or Expired."""

from itertools import pairwise

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


def test_after_a_restart() -> None:
    """What another process had not shown is read from the store, then what is live; all of it."""
    before = rig_of()
    client = Client(VIEW, before.version())
    client.connect(before)
    batch(before, "0", "1")
    client.read(before, 2)
    before.tick(60)
    for number in range(2, 602):
        before.write(str(number))
        before.tick(0.01)
    rig = rig_of(beside=before)
    client.leave()
    client.connect(rig)
    batch(rig, "602", "603")
    client.read(rig, 10)
    assert set(client.payloads) == {str(n) for n in range(604)}
    assert rig.tail.figures.resumes == {"store": 1}
    again = client.versions[2:]
    assert again == sorted(set(again))
    assert again[0] > client.versions[1]


def test_numbers_of_a_catch_up(rig: Rig) -> None:
    """They are above the client's own, and none that this process minted, but for the last one.

    That is the number of the span's end: who has it has everything, and begins nothing again.
    """
    begin = foreign(rig.now_us)
    rig.write("x0")
    rig.tick(30)
    for number in range(1, 300):
        rig.write(f"x{number}")
    rig.tick(5)
    resumption = rig.resume(begin)
    events = rig.caught_up(resumption)
    live = resumption.subscription.reached
    versions = [event.resource_version for event in events]
    assert len(versions) == 300
    assert begin < versions[0]
    assert versions[-1] == live
    assert all(one < two for one, two in pairwise(versions))
    batch(rig, "live")
    residue = live % 16
    assert not any(version % 16 == residue for version in versions[:-1])
    assert [event.object["metadata"]["resourceVersion"] for event in events] == [
        str(version) for version in versions
    ]
    assert [one.object["payload"] for one in rig.rest(resumption.subscription)] == ["live"]
    again = rig.resume(versions[-1])
    assert again.catch_up is None
    assert [one.object["payload"] for one in rig.rest(again.subscription)] == ["live"]


@pytest.mark.parametrize("ahead_s", [-0.0001, 0, 0.01, 3600])
def test_numbers_of_a_catch_up_in_a_hurry(ahead_s: float) -> None:
    """So they are too where the client's number is of this very moment, or of a clock ahead."""
    other = rig_of()
    for number in range(300):
        other.write(str(number))
        other.tick(0.01)
    rig = rig_of(beside=other)
    resumption = rig.resume(rig.now_us + int(ahead_s * 1e6))
    versions = [event.resource_version for event in rig.caught_up(resumption)]
    assert len(versions) == 300
    assert all(one < two for one, two in pairwise(versions))
    assert versions[-1] == resumption.subscription.reached


def test_broken_off_in_the_catch_up(rig: Rig) -> None:
    """Whoever comes back with a number of a catch-up begins it again: nothing is lost."""
    begin = foreign(rig.now_us)
    payloads = [f"x{n}" for n in range(600)]
    for payload in payloads:
        rig.write(payload)
        rig.tick(0.05)
    resumption = rig.resume(begin)
    assert resumption.catch_up is not None
    success(resumption.catch_up.begin())
    asked = started(resumption.catch_up.next_slice())
    rig.settle()
    first = success(asked)
    assert 0 < len(first) < 600
    resumption.subscription.close()
    got = [event.object["payload"] for event in first]
    again = resumed(rig, first[-1].resource_version)
    assert set(got + again.payloads) == set(payloads)


def test_a_view_is_caught_up_alone(rig: Rig) -> None:
    """A catch-up shows its view, in slices that may be empty."""
    begin = foreign(rig.now_us)
    for number in range(1200):
        rig.write(str(number), "a" if number % 400 else "b")
    rig.tick(1)
    client = Client(View(kind="containerlogs", namespace="b"), begin)
    client.connect(rig)
    assert client.payloads == ["0", "400", "800"]


def test_updates_of_a_catch_up(rig: Rig) -> None:
    """An update is MODIFIED, and what was replaced later comes with the live events."""
    begin = foreign(rig.now_us)
    rig.write("x")
    rig.tick(1)
    rig.write("x", payload="x2")
    rig.tick(1)
    resumption = rig.resume(begin)
    rig.write("x", payload="x3")
    rig.version()
    found = [(e.type, e.object["payload"]) for e in rig.caught_up(resumption)]
    assert found == [("MODIFIED", "x2")]
    assert rig.read(resumption.subscription, 1) == [("MODIFIED", "x3")]


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
    rig.store.next_answers("poll", *[StoreUnavailable("gone")] * 5)
    for number in range(5):
        rig.tick(4)
        rig.write(str(number))
    while rig.tail.figures.failing_since_s is not None:
        rig.tick(1)
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
