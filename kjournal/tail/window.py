"""What a tail published lately, kept for watchers that follow, resume or lag.

Watchers do not have buffers of their own: each is a place in this one sequence, so that ten
thousand of them hold one copy of what is new. Who falls behind its beginning must list again.
"""

from typing import Any

import attrs

from kjournal.errors import Expired
from kjournal.kinds.model import Object


@attrs.define
class WatchEvent:
    """One change as every watcher of a kind gets it: the resourceVersion is its publication's.

    `frames` holds the bytes of each representation once a watcher has asked for it.
    """

    type: str
    resource_version: int
    object: Object
    time_us: int
    size: int
    frames: dict[Any, bytes] = attrs.field(factory=dict, eq=False)


@attrs.define
class Window:
    """The latest events, bounded in number and bytes of their documents (estimated).

    `floor` is the resourceVersion below which nothing is known: all events above it are here.
    """

    max_events: int = 50_000
    max_bytes: int = 128 * 1024 * 1024
    floor: int = 0
    _events: list[WatchEvent] = attrs.field(factory=list)
    _first: int = 0
    _bytes: int = 0
    _stale: int = 0

    @property
    def end(self) -> int:
        """The place after the newest event."""
        return self._first + len(self._events) - self._stale

    def append(self, event: WatchEvent) -> None:
        """Add the newest event, and forget the oldest beyond the bounds."""
        self._events.append(event)
        self._bytes += event.size
        while self._stale < len(self._events) - 1 and (
            len(self._events) - self._stale > self.max_events or self._bytes > self.max_bytes
        ):
            oldest = self._events[self._stale]
            self._bytes -= oldest.size
            self.floor = oldest.resource_version
            self._stale += 1
            self._first += 1
        if self._stale > 1000:
            # Dropping the front of a list is linear, so it is done now and then.
            del self._events[: self._stale]
            self._stale = 0

    def at(self, place: int) -> WatchEvent | None:
        """Return the event at a place, or None at the end.

        Raises: Expired if that event is forgotten.
        """
        if place < self._first:
            raise Expired("too old resource version: this watch fell too far behind")
        index = place - self._first + self._stale
        return self._events[index] if index < len(self._events) else None

    def place_after(self, resource_version: int) -> int:
        """Return the place of the first event above a resourceVersion.

        Raises: Expired if events above it are forgotten, or were never known here.
        """
        if resource_version < self.floor:
            raise Expired(f"too old resource version: {resource_version} ({self.floor})")
        low, high = self._stale, len(self._events)
        while low < high:
            middle = (low + high) // 2
            if self._events[middle].resource_version <= resource_version:
                low = middle + 1
            else:
                high = middle
        return low - self._stale + self._first
