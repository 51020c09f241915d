"""The tail: one poll for all, versions that mean something, and no silent gap."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from kjournal.errors import (
    Expired,
    StoreTimeout,
)
from kjournal.query.resource_version import STEP
from kjournal.tail.figures import TailLimits
from kjournal.tail.tail import DRAIN_S
from tests.results import failure, pending, started, success
from tests.unit.tail.tailing import BEGIN_S, INTERVAL_S, POLL_S, VIEW, Rig, rig_of


def test_lazy(rig: Rig) -> None:
    """Nothing is polled before somebody asks."""
    rig.tick(100)
    assert rig.store.calls == []
    assert not rig.tail.running


def test_checkpoint(rig: Rig) -> None:
    """A checkpoint is what a poll after the call has seen, at the clock's microseconds."""
    rig.write("old")
    checkpoint = success(rig.tail.checkpoint())
    assert checkpoint.position == 1
    assert checkpoint.resource_version >= BEGIN_S * 1e6
    rig.write("new")
    later = success(after_a_tick(rig, rig.tail.checkpoint))
    assert later.position == 2
    assert later.resource_version > checkpoint.resource_version
    assert rig.tail.checkpoint_at(checkpoint.resource_version) == checkpoint


def test_shared_poll(rig: Rig) -> None:
    """Calls during a poll share the next one, which begins after them, without waiting."""
    success(rig.tail.checkpoint())
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("poll", slow)
    first = started(rig.tail.checkpoint())
    polls = len(rig.store.calls)
    rig.tick(0)
    assert len(rig.store.calls) == polls + 1
    second, third = started(rig.tail.checkpoint()), started(rig.tail.checkpoint())
    rig.tick(10)
    assert len(rig.store.calls) == polls + 1
    pending(second)
    slow.callback(None)
    shared = success(second)
    assert success(third) is shared
    assert success(first).resource_version < shared.resource_version
    assert len(rig.store.calls) == polls + 2


def test_cancelled_checkpoint(rig: Rig) -> None:
    """A client that leaves during a poll breaks neither the tail nor who asked with it."""
    success(rig.tail.checkpoint())
    for answer in (None, StoreTimeout("slow")):
        slow: Deferred[None] = Deferred()
        rig.store.next_answers("poll", slow)
        leaving, staying = started(rig.tail.checkpoint()), started(rig.tail.checkpoint())
        rig.tick(0)
        leaving.cancel()
        failure(leaving, CancelledError)
        if answer is None:
            slow.callback(None)
            success(staying)
        else:
            slow.errback(answer)
            failure(staying, StoreTimeout)
        assert rig.tail.running
        success(after_a_tick(rig, rig.tail.checkpoint))


def after_a_tick(rig: Rig, work: Callable[[], Any]) -> Deferred[Any]:
    found = started(work())
    rig.tick(0)
    return found


def test_cancelled_before_the_poll(rig: Rig) -> None:
    """A client that leaves before its poll begins is forgotten."""
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("poll", slow)
    first, second = started(rig.tail.checkpoint()), started(rig.tail.checkpoint())
    second.cancel()
    failure(second, CancelledError)
    slow.callback(None)
    success(first)
    assert rig.store.calls == ["poll"]


def test_events(rig: Rig) -> None:
    """What is written after the checkpoint is published once, in order, an update as MODIFIED."""
    rig.write("old")
    rig.store.page_records = 2
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    for id in ("b", "a", "c", "d", "e"):
        rig.write(id)
    rig.write("a", payload="a2")
    rig.tick()
    assert rig.read(subscription, 5) == [
        ("ADDED", "b"),
        ("ADDED", "c"),
        ("ADDED", "d"),
        ("ADDED", "e"),
        ("MODIFIED", "a2"),
    ]
    pending(started(subscription.next()))


def test_versions_grow(rig: Rig) -> None:
    """Each event has its own version, above the checkpoint before and at most that after."""
    before = success(rig.tail.checkpoint()).resource_version
    subscription = rig.tail.subscribe(VIEW, before)
    for n in range(4):
        rig.write(str(n))
    after = success(after_a_tick(rig, rig.tail.checkpoint)).resource_version
    versions = [success(subscription.next()).resource_version for _ in range(4)]
    assert versions == sorted(set(versions))
    assert before < versions[0]
    assert versions[-1] < after


def test_clock_going_back(rig: Rig) -> None:
    """Versions grow though the clock does not."""
    before = success(rig.tail.checkpoint()).resource_version
    rig.clock.rightNow -= 3600
    assert success(after_a_tick(rig, rig.tail.checkpoint)).resource_version > before


def test_unplaced(rig: Rig) -> None:
    """A record without a namespace is shown to nobody, and counted."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    rig.backend.write("i", "x", {"payload": "x"})
    rig.write("y")
    rig.tick()
    assert rig.read(subscription, 1) == [("ADDED", "y")]
    assert rig.tail.figures.unplaced == 1


def test_checkpoints_age() -> None:
    """Checkpoints are kept for the resume window and no longer."""
    rig = rig_of(TailLimits(resume_window_s=60))
    old = success(rig.tail.checkpoint())
    rig.tick(59)
    rig.version()
    assert rig.tail.checkpoint_at(old.resource_version) == old
    rig.tick(2)
    with pytest.raises(Expired, match=r"^too old resource version: \d+; list again$"):
        rig.tail.checkpoint_at(old.resource_version)


def test_checkpoint_of_nobody(rig: Rig) -> None:
    """A number that was not minted, or that an event was given, is no checkpoint."""
    version = rig.version()
    rig.write("a")
    rig.write("b")
    after = rig.version()
    for other in (version - 1, version + 1, after - STEP, after + STEP):
        with pytest.raises(Expired):
            rig.tail.checkpoint_at(other)


def test_numbers_are_of_the_polls_beginning(rig: Rig) -> None:
    """However late a poll is answered, its numbers tell when it began; they differ by STEPs."""
    subscription = rig.tail.subscribe(VIEW, rig.version())
    rig.write("a")
    rig.write("b")
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("poll", slow)
    began_us = rig.now_us
    asked = started(rig.tail.checkpoint())
    rig.settle()
    rig.tick(7)
    slow.callback(None)
    rig.settle()
    checkpoint = success(asked)
    versions = [success(subscription.next()).resource_version for _ in range(2)]
    versions.append(checkpoint.resource_version)
    assert versions[0] - began_us < 4 * STEP
    assert [two - one for one, two in itertools.pairwise(versions)] == [STEP, STEP]
    assert rig.tail.figures.caught_up_s == BEGIN_S


def test_idle_polls_get_rarer(rig: Rig) -> None:
    """A silent store is asked ever more rarely, up to four times the interval; news ends that."""
    subscription = rig.tail.subscribe(VIEW, rig.version())
    moments = []
    for _ in range(400):
        polls = rig.store.calls.count("poll")
        rig.tick(0.05)
        if rig.store.calls.count("poll") > polls:
            moments.append(rig.clock.seconds())
    pauses = [two - one for one, two in itertools.pairwise(moments)]
    assert all(two >= one - 0.051 for one, two in itertools.pairwise(pauses))
    assert INTERVAL_S < pauses[0] < 1.0
    assert 1.9 < pauses[-1] <= POLL_S + 0.051
    rig.write("a")
    rig.tick(POLL_S)
    assert rig.read(subscription, 1) == [("ADDED", "a")]
    rig.write("b")
    rig.tick(INTERVAL_S)
    assert rig.read(subscription, 1) == [("ADDED", "b")]


def test_lists_do_not_wait_for_an_idle_pause(rig: Rig) -> None:
    """Whoever needs the present is answered at once, however rare polls have become."""
    rig.version()
    for _ in range(20):
        rig.tick()
    rig.write("a")
    assert success(after_a_tick(rig, rig.tail.checkpoint)).position == 1


def test_drain_is_bounded(rig: Rig) -> None:
    """Where more is written than can be read, lists are answered none the less, and it reads on."""
    rig.version()
    rig.store.page_records = 1
    for number in range(8):
        rig.write(str(number))
    slow: list[Deferred[None]] = [Deferred() for _ in range(8)]
    rig.store.next_answers("poll", *slow)
    asked = started(rig.tail.checkpoint())
    rig.settle()
    for number in range(3):
        rig.tick(DRAIN_S / 2.5)
        pending(asked)
        slow[number].callback(None)
        rig.settle()
    assert success(asked).position == 3
    assert rig.tail.figures.caught_up_s == BEGIN_S
    for answer in slow[3:]:
        answer.callback(None)
        rig.settle()
    assert rig.store.calls.count("poll") >= 9
    assert rig.tail.figures.caught_up_s == rig.clock.seconds()
    assert success(after_a_tick(rig, rig.tail.checkpoint)).position == 8


def test_many_records_are_mapped_in_slices(rig: Rig) -> None:
    """A big batch is published whole, and lets others run meanwhile."""
    subscription = rig.tail.subscribe(VIEW, rig.version())
    rig.store.page_records = 1000
    for number in range(600):
        rig.write(str(number))
    asked = started(rig.tail.checkpoint())
    meanwhile: list[bool] = []
    rig.clock.callLater(0, lambda: meanwhile.append(asked.called))
    rig.settle()
    assert meanwhile == [False]
    assert success(asked).position == 600
    versions = [event.resource_version for event in rig.rest(subscription)]
    assert len(versions) == 600
    assert versions == sorted(set(versions))
