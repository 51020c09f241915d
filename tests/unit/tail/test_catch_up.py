"""What a watch has missed, read out of the store: all of it, under numbers that say where it is."""

from itertools import pairwise

import pytest

from kjournal.query.view import View
from tests.results import started, success
from tests.unit.tail.tailing import VIEW, Client, Rig, rig_of


def foreign(version: int) -> int:
    """Return a number close by that another process gave."""
    return version + 1


def resumed(rig: Rig, version: int, view: View = VIEW) -> Client:
    """Return a client that has read all there is after a version."""
    client = Client(view, version)
    client.connect(rig)
    client.read(rig, 1000)
    return client


def batch(rig: Rig, *payloads: str) -> None:
    """Publish records in one poll."""
    for payload in payloads:
        rig.write(payload)
    rig.version()


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
