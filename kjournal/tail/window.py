"""What a tail published lately, kept for watchers that follow, resume or lag.

Watchers do not have buffers of their own: each is a place in one shared sequence, so that ten
thousand of them hold one copy of what is new. Whoever watches one namespace walks the events of
that namespace only.
"""

from bisect import bisect_right
from operator import attrgetter
from typing import Any

import attrs

from kjournal.errors import Expired
from kjournal.kinds.model import Object

_VERSION = attrgetter("resource_version")


def versioned(obj: Object, resource_version: int) -> Object:
    """Return an object with another resourceVersion; all else is shared."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(resource_version)}}


@attrs.define(eq=False)
class WatchEvent:
    """One change as every watcher of a kind gets it: the resourceVersion is its publication's.

    `previous` is what the object was before, with its event time, where that is known. `frames`
    holds the bytes of each representation once a watcher has asked for it, and `variants` the
    event as it is for those views that the change brought the object into, or out of: they are
    `of` this one, and have no `size` of their own.
    """

    type: str
    resource_version: int
    object: Object
    time_us: int
    size: int
    previous: tuple[Object, int] | None = None
    frames: dict[Any, bytes] = attrs.field(factory=dict)
    variants: dict[str, "WatchEvent"] = attrs.field(factory=dict)
    of: "WatchEvent | None" = None

    @property
    def namespaces(self) -> set[str | None]:
        """Where the object is, and was."""
        objects = [self.object, self.previous[0]] if self.previous else [self.object]
        return {obj["metadata"].get("namespace") for obj in objects}

    def variant(self, type: str) -> "WatchEvent":
        """Return this change as an event of another type.

        What is DELETED from a view is shown as it last was there, with this resourceVersion.
        Source: apiserver pkg/storage/cacher/cache_watcher.go, convertToWatchEvent.
        """
        found = self.variants.get(type)
        if found is None:
            obj, time_us = self.object, self.time_us
            if type == "DELETED" and self.previous is not None:
                obj, time_us = self.previous
                obj = versioned(obj, self.resource_version)
            found = WatchEvent(type, self.resource_version, obj, time_us, 0, of=self)
            self.variants[type] = found
        return found


@attrs.define(eq=False)
class Chain:
    """A sequence that grows at its end and is forgotten at its front; places in it stay valid.

    `readers` counts the subscriptions that hold a place.
    """

    readers: int = 0
    _events: list[WatchEvent] = attrs.field(factory=list)
    _first: int = 0
    _stale: int = 0

    def __len__(self) -> int:
        return len(self._events) - self._stale

    @property
    def end(self) -> int:
        """The place after the newest event."""
        return self._first + len(self)

    def append(self, event: WatchEvent) -> None:
        """Add the newest event."""
        self._events.append(event)

    def pop_oldest(self) -> WatchEvent:
        """Forget the oldest event, and return it."""
        oldest = self._events[self._stale]
        self._stale += 1
        self._first += 1
        # Dropping the front of a list is linear, so it is done now and then; of a thousand chains
        # none may hold more than twice what it needs.
        if self._stale > 1000 or self._stale * 2 > len(self._events):
            del self._events[: self._stale]
            self._stale = 0
        return oldest

    def at(self, place: int) -> WatchEvent | None:
        """Return the event at a place, or None at the end.

        Raises: Expired if that event is forgotten.
        """
        if place < self._first:
            raise Expired("too old resource version: this watch fell too far behind")
        index = place - self._first + self._stale
        return self._events[index] if index < len(self._events) else None

    def place_after(self, resource_version: int) -> int:
        """Return the place of the first event above a resourceVersion."""
        index = bisect_right(self._events, resource_version, lo=self._stale, key=_VERSION)
        return index - self._stale + self._first


@attrs.define
class Window:
    """The latest events, bounded in number and bytes (estimated).

    `floor` is the resourceVersion below which nothing is known: all events above it are here.
    """

    max_events: int = 200_000
    max_bytes: int = 256 * 1024 * 1024
    floor: int = 0
    all: Chain = attrs.field(factory=Chain)
    bytes: int = 0
    _chains: dict[str | None, Chain] = attrs.field(factory=dict)
    _latest: dict[str, WatchEvent] = attrs.field(factory=dict)

    def append(self, event: WatchEvent) -> None:
        """Add the newest event, and forget the oldest beyond the bounds."""
        self.all.append(event)
        for namespace in event.namespaces - {None}:
            self._chains.setdefault(namespace, Chain()).append(event)
        self._latest[event.object["metadata"]["uid"]] = event
        self.bytes += event.size
        self._keep_bounds()

    def grew(self, event: WatchEvent, size: int) -> None:
        """Charge bytes to an event, if it is one of these; the oldest may be forgotten for it."""
        event = event.of or event
        if event.resource_version > self.floor and event.size:
            event.size += size
            self.bytes += size
            self._keep_bounds()

    def _keep_bounds(self) -> None:
        while len(self.all) > 1 and (
            len(self.all) > self.max_events or self.bytes > self.max_bytes
        ):
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self.all.pop_oldest()
        self.bytes -= oldest.size
        self.floor = oldest.resource_version
        uid = oldest.object["metadata"]["uid"]
        if self._latest.get(uid) is oldest:
            del self._latest[uid]
        for namespace in oldest.namespaces - {None}:
            chain = self._chains[namespace]
            chain.pop_oldest()
            self._drop_unused(namespace, chain)

    def latest(self, uid: str) -> WatchEvent | None:
        """Return the newest event of an object, if it is here."""
        return self._latest.get(uid)

    def chain(self, namespace: str | None) -> Chain:
        """Return the events of a namespace, or all; the caller reads it until `left`."""
        chain = self.all if namespace is None else self._chains.setdefault(namespace, Chain())
        chain.readers += 1
        return chain

    def left(self, namespace: str | None, chain: Chain) -> None:
        """Forget a reader of a chain."""
        chain.readers -= 1
        self._drop_unused(namespace, chain)

    def _drop_unused(self, namespace: str | None, chain: Chain) -> None:
        if not chain.readers and not len(chain) and self._chains.get(namespace) is chain:
            del self._chains[namespace]

    def check_known(self, resource_version: int) -> None:
        """Return if all events above a resourceVersion are here.

        Raises: Expired.
        """
        if resource_version < self.floor:
            raise Expired(f"too old resource version: {resource_version} ({self.floor})")
