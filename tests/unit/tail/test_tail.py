"""The tail: one poll for all, versions that mean something, and no silent gap."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from kjournal.errors import (
    Expired,
    InternalError,
    ServiceUnavailable,
    StoreTimeout,
    StoreUnavailable,
)
from kjournal.kinds.containerlogs import CONTAINERLOGS
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.query.view import View
from kjournal.store.interfaces import Source
from kjournal.tail.hub import Subscription
from kjournal.tail.tail import CHECKPOINT_AGE_S, IDLE_S, PATIENCE_S, Tail
from tests.conftest import LoggedFailures
from tests.fakes.memory_store import MemoryBackend, MemoryStore
from tests.results import failure, pending, started, success

BEGIN_S = 1_700_000_000.0
VIEW = View(kind="containerlogs")


@attrs.define
class Rig:
    """A tail on a store in memory, and a clock."""

    clock: Clock
    backend: MemoryBackend
    store: MemoryStore
    tail: Tail

    def write(self, id: str, **document: Any) -> None:
        self.backend.write("i", id, {"metadata": {"namespace": "a"}, "payload": id, **document})

    def tick(self, seconds: float = 0.5) -> None:
        self.clock.advance(seconds)

    def read(self, subscription: Subscription, count: int) -> list[tuple[str, str]]:
        found = [success(subscription.next()) for _ in range(count)]
        return [(event.type, event.object["payload"]) for event in found]


@pytest.fixture
def rig() -> Rig:
    """Return a tail that has not begun."""
    clock = Clock()
    clock.rightNow = BEGIN_S
    backend = MemoryBackend()
    store = backend.open_store(Source(kind="containerlogs", index="*"))
    mapping = Mapping.compile(CONTAINERLOGS, field_map_of(CONTAINERLOGS, {}))
    return Rig(clock, backend, store, Tail(store, mapping, clock, interval_s=0.5))


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
    assert rig.tail.position_at(checkpoint.resource_version) == 1


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
    assert rig.tail.unplaced == 1


def test_store_error(rig: Rig) -> None:
    """A poll that fails fails who asked, backs off, and loses nothing when the store is back."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    rig.write("a")
    rig.store.next_answers("poll", *[StoreUnavailable("gone")] * 3)
    failure(after_a_tick(rig, rig.tail.checkpoint), StoreUnavailable)
    assert rig.tail.failing_since_s == BEGIN_S
    waiting = started(subscription.next())
    calls = len(rig.store.calls)
    rig.tick(0.9)
    assert len(rig.store.calls) == calls
    for _ in range(4):
        rig.tick(2.0)
    assert success(waiting).object["payload"] == "a"
    assert rig.tail.failing_since_s is None


def test_asking_cuts_backoff(rig: Rig) -> None:
    """Who asks during a backoff does not wait for its end."""
    rig.store.next_answers("poll", *[StoreUnavailable("gone")] * 5)
    failure(rig.tail.checkpoint(), StoreUnavailable)
    for _ in range(4):
        failure(after_a_tick(rig, rig.tail.checkpoint), StoreUnavailable)
    success(after_a_tick(rig, rig.tail.checkpoint))


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
    """Unused, it stops; whoever comes back with an older version is told Expired."""
    before = success(rig.tail.checkpoint()).resource_version
    subscription = rig.tail.subscribe(VIEW, before)
    subscription.close()
    rig.tick(1)
    rig.tick(IDLE_S + 1)
    rig.tick(1)
    assert not rig.tail.running
    assert rig.clock.getDelayedCalls() == []
    with pytest.raises(Expired):
        rig.tail.subscribe(VIEW, before)
    with pytest.raises(Expired):
        rig.tail.position_at(before)


def test_watched_is_not_idle(rig: Rig) -> None:
    """A watcher keeps it running."""
    subscription = rig.tail.subscribe(VIEW, success(rig.tail.checkpoint()).resource_version)
    for _ in range(4):
        rig.tick(IDLE_S)
    rig.write("a")
    rig.tick()
    assert rig.read(subscription, 1) == [("ADDED", "a")]


@pytest.mark.parametrize("idle_before", [False, True])
def test_version_of_another_life(rig: Rig, idle_before: bool) -> None:
    """A version from before a restart, or of another replica while idle, never skips silently."""
    if idle_before:
        success(rig.tail.checkpoint())
        rig.tick(1)
        rig.tick(IDLE_S + 1)
        rig.tick(1)
        assert not rig.tail.running
    foreign = int(rig.clock.seconds() * 1e6) + 1000
    rig.tick(5)
    rig.write("between")
    subscription = rig.tail.subscribe(VIEW, foreign)
    failure(subscription.next(), Expired)


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


def test_checkpoints_age(rig: Rig) -> None:
    """Checkpoints are kept for their age and no longer."""
    old = success(rig.tail.checkpoint()).resource_version
    rig.tick(CHECKPOINT_AGE_S - 1)
    success(after_a_tick(rig, rig.tail.checkpoint))
    rig.tail.position_at(old)
    rig.tick(2)
    success(after_a_tick(rig, rig.tail.checkpoint))
    with pytest.raises(Expired):
        rig.tail.position_at(old)


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
