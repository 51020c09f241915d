"""How a tail starts, fails and stops."""

import pytest
from twisted.internet.defer import Deferred, succeed

from kjournal.errors import (
    Expired,
    InternalError,
    ServiceUnavailable,
    StoreUnavailable,
)
from kjournal.tail.tail import IDLE_S, MAX_BACKOFF_S, PATIENCE_S
from tests.conftest import LoggedFailures
from tests.results import failure, pending, started, success
from tests.unit.tail.tailing import BEGIN_S, POLL_S, VIEW, Rig


def test_store_error(rig: Rig) -> None:
    """A poll that fails fails who asked, backs off, and loses nothing when the store is back."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    rig.write("a")
    rig.store.next_answers("poll", *[StoreUnavailable("gone")] * 3)
    asked = started(rig.tail.checkpoint())
    rig.settle()
    failure(asked, StoreUnavailable)
    assert rig.tail.figures.failing_since_s == BEGIN_S
    waiting = started(subscription.next())
    calls = len(rig.store.calls)
    rig.tick(0.9)
    assert len(rig.store.calls) == calls
    for _ in range(4):
        rig.tick(2.0)
    assert success(waiting).object["payload"] == "a"
    assert rig.tail.figures.failing_since_s is None


def test_asking_cuts_backoff(rig: Rig) -> None:
    """Who asks during a backoff does not wait for its end."""
    rig.store.next_answers("poll", *[StoreUnavailable("gone")] * 5)
    failure(rig.tail.checkpoint(), StoreUnavailable)
    for _ in range(4):
        asked = started(rig.tail.checkpoint())
        rig.settle()
        failure(asked, StoreUnavailable)
    rig.version()


def test_patience(rig: Rig) -> None:
    """Watchers bridge a silent store for 30 s, and are then ended cleanly."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    waiting = started(subscription.next())
    rig.store.next_answers("poll", *[StoreUnavailable("gone")] * 500)
    for _ in range(int(PATIENCE_S * 2)):
        rig.tick(0.5)
        pending(waiting)
    for _ in range(20):
        rig.tick(0.5)
    assert success(waiting) is None


def test_idle(rig: Rig) -> None:
    """Unused, it stops and leaves nothing in the reactor; what it has minted it still knows."""
    before = success(rig.tail.checkpoint())
    subscription = rig.tail.subscribe(VIEW, before.resource_version)
    subscription.close()
    rig.tick(1)
    rig.tick(IDLE_S - 2)
    assert rig.tail.running
    rig.tick(2)
    rig.tick(POLL_S)
    assert not rig.tail.running
    assert rig.clock.getDelayedCalls() == []
    with pytest.raises(Expired):
        rig.tail.subscribe(VIEW, before.resource_version)
    rig.clock.rightNow = BEGIN_S + 15 * 60
    assert rig.tail.checkpoint_at(before.resource_version) == before


def test_watched_is_not_idle(rig: Rig) -> None:
    """A watcher keeps it running."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    for _ in range(4):
        rig.tick(IDLE_S)
    rig.write("a")
    rig.tick()
    assert rig.read(subscription, 1) == [("ADDED", "a")]


def test_restart(rig: Rig) -> None:
    """After an idle stop it begins anew, and follows from there."""
    success(rig.tail.checkpoint())
    rig.tick(1)
    rig.tick(IDLE_S + 1)
    rig.tick(1)
    rig.write("between")
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    rig.write("after")
    rig.tick()
    assert rig.read(subscription, 1) == [("ADDED", "after")]


def test_stop_while_mapping(rig: Rig) -> None:
    """A stop in the midst of a big batch publishes none of it."""
    subscription = rig.tail.subscribe(VIEW, rig.version())
    for number in range(600):
        rig.write(str(number))
    asked = started(rig.tail.checkpoint())
    rig.clock.callLater(0, lambda: success(rig.tail.stop()))
    rig.settle()
    failure(asked, ServiceUnavailable)
    assert success(subscription.next()) is None
    assert rig.clock.getDelayedCalls() == []


def test_backoff_is_bounded(rig: Rig) -> None:
    """A store that is away for long is asked every few seconds."""
    rig.tail.subscribe(VIEW, rig.version())
    rig.store.next_answers("poll", succeed(None), *[StoreUnavailable("gone")] * 500)
    for _ in range(60):
        rig.tick(1.0)
    polls = rig.store.calls.count("poll")
    for _ in range(60):
        rig.tick(1.0)
    assert 60 / MAX_BACKOFF_S - 1 <= rig.store.calls.count("poll") - polls <= 60 / MAX_BACKOFF_S + 1


def test_stop(rig: Rig) -> None:
    """A stop during a poll ends watchers cleanly, tells who asks that it stops, and is final."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    watching = started(subscription.next())
    slow: Deferred[None] = Deferred()
    rig.store.next_answers("poll", slow)
    asking = started(rig.tail.checkpoint())
    rig.tick(0)
    success(rig.tail.stop())
    assert success(watching) is None
    failure(asking, ServiceUnavailable)
    assert not rig.tail.running
    assert rig.clock.getDelayedCalls() == []
    failure(rig.tail.checkpoint(), ServiceUnavailable)
    with pytest.raises(ServiceUnavailable):
        rig.tail.subscribe(VIEW, 1)
    success(rig.tail.stop())


def test_stop_while_sleeping(rig: Rig) -> None:
    """A stop between polls leaves nothing in the reactor."""
    success(rig.tail.checkpoint())
    success(rig.tail.stop())
    assert rig.clock.getDelayedCalls() == []


def test_stop_before_start(rig: Rig) -> None:
    """A tail that never began stops at once."""
    success(rig.tail.stop())


def test_bug(rig: Rig, logged_failures: LoggedFailures) -> None:
    """What is no StoreError is logged, ends who waits, and the next one starts it again."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    watching = started(subscription.next())
    broken: Deferred[None] = Deferred()
    rig.store.next_answers("poll", broken)
    asking = started(rig.tail.checkpoint())
    rig.tick(0)
    broken.errback(ZeroDivisionError())
    failure(asking, InternalError)
    assert success(watching) is None
    assert len(logged_failures.events) == 1
    logged_failures.clear()
    rig.write("a")
    assert success(rig.tail.checkpoint()).position == 1
