"""A process that lags says so by its numbers: another one gives again what it had not shown."""

import pytest
from twisted.internet.defer import Deferred

from kjournal.query.resource_version import STEP
from kjournal.tail.tail import DRAIN_S
from tests.results import started, success
from tests.unit.tail.tailing import BEGIN_S, VIEW, Client, Rig, rig_of


def pair() -> tuple[Rig, Rig, Client]:
    """Return two processes on one store, and a client that watches the first."""
    one = rig_of()
    other = rig_of(beside=one)
    other.tail.subscribe(VIEW, other.version())
    client = Client(VIEW, one.version())
    client.connect(one)
    return one, other, client


@pytest.mark.parametrize("seen", range(5))
def test_after_a_silent_store(seen: int) -> None:
    """A batch after a long silence has records far older than its poll; none of them is lost."""
    one, other, client = pair()
    one.write_in_silence(5)
    client.read(one, seen)
    client.leave()
    client.connect(other)
    client.read(other, 10)
    assert set(client.payloads) == {str(n) for n in range(5)}


@pytest.mark.parametrize("seen", range(6))
def test_behind_a_backlog(seen: int) -> None:
    """Of a process that reads more slowly than others write nothing is lost either."""
    one, other, client = pair()
    for number in range(6):
        one.write(str(number))
    one.tick()
    one.store.page_records = 1
    behind: list[Deferred[None]] = []
    client.leave()
    client = Client(VIEW, one.version())
    client.connect(one)
    for number in range(6):
        one.write(f"late{number}")
    behind = [Deferred() for _ in range(6)]
    one.store.next_answers("poll", *behind)
    one.tail.subscribe(VIEW, client.version)
    asked = started(one.tail.checkpoint())
    one.settle()
    for slow in behind:
        one.tick(4)
        slow.callback(None)
        one.settle()
    success(asked)
    client.read(one, seen)
    client.leave()
    client.connect(other)
    client.read(other, 20)
    assert {payload for payload in client.payloads if payload.startswith("late")} == {
        f"late{n}" for n in range(6)
    }


def test_lists_of_a_process_that_lags() -> None:
    """The version of a list that did not see all is not the clock's, but where it got to."""
    one, other, _ = pair()
    one.store.page_records = 1
    for number in range(6):
        one.write(str(number))
    answers: list[Deferred[None]] = [Deferred() for _ in range(6)]
    one.store.next_answers("poll", *answers)
    other.version()
    first = started(one.tail.checkpoint())
    one.settle()
    second = started(one.tail.checkpoint())
    for slow in answers[:2]:
        one.tick(DRAIN_S * 2.5)
        slow.callback(None)
        one.settle()
    checkpoints = [success(first), success(second)]
    assert [checkpoint.position for checkpoint in checkpoints] == [1, 2]
    for checkpoint in checkpoints:
        client = Client(VIEW, checkpoint.resource_version)
        client.connect(other)
        client.read(other, 10)
        assert set(client.payloads) >= {str(n) for n in range(checkpoint.position, 6)}
    for slow in answers[2:]:
        slow.callback(None)
        one.settle()
    assert one.version() >= one.now_us


def test_numbers_between_are_nobodys() -> None:
    """Where numbers skip time, those that are skipped are not taken for this process's own."""
    rig = rig_of()
    client = Client(VIEW, rig.version())
    client.connect(rig)
    rig.write_in_silence(4)
    at_end = rig.version()
    client.read(rig, 10)
    first, last = client.versions[0], client.versions[-1]
    assert first < (BEGIN_S + 6) * 1e6
    assert at_end >= (BEGIN_S + 16) * 1e6
    resumed = Client(VIEW, last + 1000 * STEP)
    resumed.connect(rig)
    resumed.read(rig, 10)
    assert resumed.payloads == ["0", "1", "2", "3"]
    again = Client(VIEW, last)
    again.connect(rig)
    again.read(rig, 10)
    assert again.payloads == []
    assert rig.tail.figures.resumes == {"exact": 2, "store": 1}
