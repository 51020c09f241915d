"""What each resourceVersion of the resume window meant: the checkpoints of one process."""

from bisect import bisect_left, bisect_right
from operator import attrgetter

import attrs

from kjournal.query.model import Position
from kjournal.query.resource_version import STEP


@attrs.frozen
class Checkpoint:
    """What a resourceVersion means for the store: everything up to it, and nothing after."""

    resource_version: int
    position: Position


@attrs.frozen
class Entry:
    """One poll: its numbers are first, first + STEP, ... up to the checkpoint's own.

    What it brought, and all before, was visible when it ended, `seen_us` since the epoch.
    """

    first: int
    checkpoint: Checkpoint
    seen_us: int


_VERSION = attrgetter("checkpoint.resource_version")
_SEEN = attrgetter("seen_us")


@attrs.define
class Journal:
    """The checkpoints of the latest polls, oldest first; `kept_us` is how far back it reaches.

    Bounded: polls in which nothing happened share one position, and the oldest are forgotten.
    """

    kept_us: int
    _entries: list[Entry] = attrs.field(factory=list)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, first: int, checkpoint: Checkpoint, seen_us: int) -> None:
        """Note a poll that minted the numbers from `first` to its checkpoint's."""
        if self._entries:  # a clock that goes back makes it only less sure what was seen
            seen_us = max(seen_us, self._entries[-1].seen_us)
        self._entries.append(Entry(first, checkpoint, seen_us))
        oldest = checkpoint.resource_version - self.kept_us
        stale = bisect_left(self._entries, oldest, key=_VERSION)
        # Dropping the front of a list is linear, so it is done now and then.
        if stale > 100:
            # One below the window tells what its first numbers begin with.
            del self._entries[: stale - 1]

    def minted(self, resource_version: int) -> bool:
        """Return whether this process gave that number to an event or a checkpoint."""
        at = bisect_left(self._entries, resource_version, key=_VERSION)
        if at == len(self._entries):
            return False
        first = self._entries[at].first
        return resource_version >= first and (resource_version - first) % STEP == 0

    def checkpoint(self, resource_version: int) -> Checkpoint | None:
        """Return the checkpoint of exactly that number."""
        found = self.before(resource_version)
        return found if found and found.resource_version == resource_version else None

    def before(self, resource_version: int) -> Checkpoint | None:
        """Return the latest checkpoint that is not above a number."""
        at = bisect_right(self._entries, resource_version, key=_VERSION)
        return self._entries[at - 1].checkpoint if at else None

    def seen_before(self, time_us: int) -> Entry | None:
        """Return the latest poll of which all was visible at a time.

        Whoever has seen all that was visible then lacks nothing of it.
        """
        at = bisect_right(self._entries, time_us, key=_SEEN)
        return self._entries[at - 1] if at else None
