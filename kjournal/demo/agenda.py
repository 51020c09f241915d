"""What is going to happen in the imaginary cluster, and the documents of what has happened."""

import heapq
from collections.abc import Callable
from random import Random

from kjournal.codec import MICROSECONDS
from kjournal.store.interfaces import NewDocument


class Agenda:
    """A clock of its own that runs as fast as its reader wants, and a list of things to do.

    Actions read `now_us`, draw from `rng`, `put` documents and plan further actions. What happens
    depends on nothing else, so it is the same for the same seed and start.
    """

    def __init__(self, rng: Random, start_us: int) -> None:
        self.rng = rng
        self.now_us = start_us
        self.quiet_until_us = start_us
        self._planned: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._documents: list[NewDocument] = []

    @property
    def next_us(self) -> int:
        """When the next thing happens."""
        return self._planned[0][0]

    def put(self, document: NewDocument) -> None:
        """Hand over a document of what happens now."""
        self._documents.append(document)

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Plan something, seconds from now."""
        self._at(self.now_us + int(delay_s * MICROSECONDS), action)

    def repeat(self, live_s: float, quiet_s: float, action: Callable[[], bool]) -> None:
        """Do something at random times, with these means between them, until it returns False.

        `quiet_s` holds up to `quiet_until_us`, `live_s` from then on.
        """

        def again() -> None:
            if action():
                plan()

        def plan() -> None:
            self._at(self._random_time(live_s, quiet_s), again)

        plan()

    def advance(self, until_us: int, limit: int) -> list[NewDocument]:
        """Let the time pass, at most to `until_us`; return `limit` documents or a few more.

        Fewer are returned only where all up to `until_us` has happened.
        """
        while self._planned and self.next_us <= until_us and len(self._documents) < limit:
            self.now_us, _, action = heapq.heappop(self._planned)
            action()
        done, self._documents = self._documents, []
        return done

    def _at(self, time_us: int, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._planned, (time_us, self._count, action))

    def _random_time(self, live_s: float, quiet_s: float) -> int:
        if self.now_us < self.quiet_until_us:
            time_us = self.now_us + self._gap_us(quiet_s)
            if time_us < self.quiet_until_us:
                return time_us
        # A random gap has no memory: it may begin where the quiet ends.
        return max(self.now_us, self.quiet_until_us) + self._gap_us(live_s)

    def _gap_us(self, mean_s: float) -> int:
        return int(self.rng.expovariate(1 / mean_s) * MICROSECONDS)
