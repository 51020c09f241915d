"""A tail on a store in memory, a clock, and a client that watches, breaks off and resumes."""

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from kjournal.errors import Expired, StoreUnavailable
from kjournal.kinds.containerlogs import CONTAINERLOGS
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.query.resource_version import STEP
from kjournal.query.view import View
from kjournal.store.interfaces import Source
from kjournal.tail.figures import TailLimits
from kjournal.tail.hub import Bookmark, Subscription
from kjournal.tail.resume import Resumption
from kjournal.tail.tail import IDLE_FACTOR, IDLE_S, Tail
from tests.fakes.memory_store import MemoryBackend, MemoryStore
from tests.results import started, success

BEGIN_S = 1_700_000_000.0
INTERVAL_S = 0.5
# Even an idle tail has polled after so long.
POLL_S = INTERVAL_S * IDLE_FACTOR
VIEW = View(kind="containerlogs")
Seen = tuple[str, str]
"""An event's type and its object's payload."""


@attrs.define
class Rig:
    """A tail, and what it runs on."""

    clock: Clock
    backend: MemoryBackend
    store: MemoryStore
    tail: Tail

    @property
    def now_us(self) -> int:
        """The time in microseconds."""
        return int(self.clock.seconds() * 1e6)

    @property
    def hub_floor(self) -> int:
        """The version below which the window knows nothing."""
        return self.tail.hub.window.floor

    def write(self, id: str, namespace: str | None = "a", **document: Any) -> None:
        """Store a record that is visible at once."""
        rows = self.backend.rows
        self.store.arrived.append((self.now_us, len(rows)))
        metadata = {"namespace": namespace} if namespace else {}
        self.backend.write("i", id, {"metadata": metadata, "payload": id, **document})
        self.store.arrived.append((self.now_us + 1, len(rows)))

    def write_in_silence(self, count: int) -> None:
        """Write a record every four seconds while the store does not answer, and let it be back."""
        self.store.next_answers("poll", *[StoreUnavailable("gone")] * count)
        for number in range(count):
            self.tick(4)
            self.write(str(number))
        while self.tail.figures.failing_since_s is not None:
            self.tick(1)

    def tick(self, seconds: float = POLL_S) -> None:
        """Let time pass, until the next poll by default, and what was due at once happen."""
        self.clock.advance(seconds)
        self.settle()

    def settle(self) -> None:
        """Let happen what was due at once."""
        self.clock.advance(0)

    def version(self) -> int:
        """Return a fresh checkpoint's resourceVersion."""
        asked = started(self.tail.checkpoint())
        self.settle()
        version: int = success(asked).resource_version
        return version

    def stop_by_idleness(self) -> None:
        """Let the tail stop, as nobody uses it."""
        self.tick()
        self.tick(IDLE_S + 1)
        self.tick()
        assert not self.tail.running

    def resume(self, version: int, view: View = VIEW) -> Resumption:
        """Return what a watch from a version begins with."""
        asked = started(self.tail.resume(view, version))
        self.settle()
        resumption: Resumption = success(asked)
        return resumption

    def caught_up(self, resumption: Resumption) -> list[Any]:
        """Return all events of a catch-up."""
        found: list[Any] = []
        catch_up = resumption.catch_up
        if catch_up is not None:
            success(catch_up.begin())
            while True:
                asked = started(catch_up.next_slice())
                self.settle()
                events = success(asked)
                if events is None:
                    return found
                found += events
        return found

    def read(self, subscription: Subscription, count: int) -> list[Seen]:
        """Return the next events, which must be there."""
        return [seen(success(subscription.next())) for _ in range(count)]

    def rest(self, subscription: Subscription) -> list[Any]:
        """Return all events that are there; the subscription cannot be read after it."""
        found: list[Any] = []
        while True:
            asked = started(subscription.next())
            self.settle()
            if not asked.called:
                asked.addErrback(lambda _: None)
                asked.cancel()
                return found
            event = success(asked)
            if event is None:
                return found
            found.append(event)


def _expired(failure: Failure) -> None:
    failure.trap(Expired)


def seen(event: Any) -> Seen:
    """Return an event's type and payload."""
    return event.type, event.object["payload"]


def rig_of(limits: TailLimits | None = None, beside: Rig | None = None) -> Rig:
    """Return a tail that has not begun; `beside` is one of another process on the same store."""
    clock = Clock() if beside is None else beside.clock
    if beside is None:
        clock.rightNow = BEGIN_S
    backend = MemoryBackend() if beside is None else beside.backend
    store = backend.open_store(Source(kind="containerlogs", index="*"))
    if beside is not None:
        store.arrived = beside.store.arrived
    mapping = Mapping.compile(CONTAINERLOGS, field_map_of(CONTAINERLOGS, {}))
    tail = Tail(store, mapping, clock, interval_s=INTERVAL_S, limits=limits or TailLimits())
    distinguish(tail, len(backend.stores))
    return Rig(clock, backend, store, tail)


def distinguish(tail: Tail, number: int) -> None:
    """Give a process a residue of its own: by chance two may be alike, one time in sixteen."""
    tail._mint._residue = number % STEP


@attrs.define
class Client:
    """A watch client: it keeps the highest version that it was given, and resumes from there."""

    view: View
    version: int
    got: list[Any] = attrs.field(factory=list)
    versions: list[int] = attrs.field(factory=list)
    bookmarks: list[int] = attrs.field(factory=list)
    expired: bool = False
    subscription: Subscription | None = None
    _next: Deferred[Any] | None = None

    @property
    def payloads(self) -> list[str]:
        """What was got, in its order."""
        return [payload for _, payload in self.got]

    def connect(self, rig: Rig) -> None:
        """Resume on a tail, and take what was missed."""
        if self.subscription is not None or self.expired:
            return
        asked = started(rig.tail.resume(self.view, self.version))
        asked.addErrback(_expired)
        rig.settle()
        resumption = success(asked)
        if resumption is None:
            self.expired = True
            return
        self.subscription = resumption.subscription
        for event in rig.caught_up(resumption):
            self._took(event)

    def read(self, rig: Rig, most: int) -> None:
        """Read at most so many events, of those that are there."""
        for _ in range(most):
            if self.subscription is None or self.expired:
                return
            if self._next is None:
                self._next = started(self.subscription.next())
                self._next.addErrback(_expired)
            rig.settle()
            if not self._next.called:
                return
            found, self._next = success(self._next), None
            if found is None:
                self.leave()
                return
            self._took(found)

    def leave(self) -> None:
        """Break off."""
        if self._next is not None:
            self._next.addErrback(lambda _: None)
            self._next.cancel()
            self._next = None
        if self.subscription is not None:
            self.subscription.close()
            self.subscription = None

    def _took(self, found: Any) -> None:
        self.version = found.resource_version
        if isinstance(found, Bookmark):
            self.bookmarks.append(found.resource_version)
            return
        self.versions.append(found.resource_version)
        self.got.append(seen(found))
