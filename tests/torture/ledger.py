"""What one watcher has seen, counted: pure."""

import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from tests.torture.lines import LineView

_HISTORY = 400
_EXAMPLES = 5

Pair = tuple[int, int]
"""Number and revision of a line."""


@attrs.define
class Ledger:
    """The lines of one view, each with the connection that showed it last.

    A generation begins with a list, and again with each list after 410 Expired: it is judged by
    itself. Connections in a row to one life of one gateway are a stint. `exact`: the connection
    goes on from a resourceVersion that its own gateway has published, so that nothing may come
    again. A catch-up out of the store shows resourceVersions that nobody has published: one that
    breaks off begins again, which is counted apart.
    """

    name: str
    view: LineView
    size: int
    updates: bool = False
    generation: int = 0
    counts: Counter[str] = attrs.field(factory=Counter)
    history: deque[tuple[float, str]] = attrs.field(factory=lambda: deque(maxlen=_HISTORY))
    examples: list[str] = attrs.field(factory=list)
    news_s: float = 0.0
    _holds: Callable[[int], bool] = attrs.field(init=False)
    _connection: int = 0
    _exact: bool = True
    _life: str = ""
    _stints: list[int] = attrs.field(factory=lambda: [0])
    _begun: int = 0
    _first: Any = attrs.field(init=False)
    """By number, the connection that showed revision 0."""
    _later: dict[tuple[int, int], int] = attrs.field(factory=dict)
    _newest: dict[int, int] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._holds = self.view.compiled()
        self.forget()

    def forget(self) -> None:
        """Begin a generation."""
        self.generation += 1
        self._begun = 0
        self._first = array("i", bytes(4 * self.size))
        self._later.clear()
        self._newest.clear()

    def note(self, text: str) -> None:
        """Remember what happened, for who asks why a line was lost."""
        self.history.append((time.time(), text))

    def connected(self, life: str, *, exact: bool) -> None:
        """Begin a connection, be it of a list or of a watch."""
        self._connection += 1
        self._stints.append(self._stints[-1] + (life != self._life))
        self._begun = self._begun or self._stints[-1]
        self._life, self._exact = life, exact

    def saw(self, how: str, number: int, revision: int) -> None:
        """Count one line; `how` is LISTED or the event's type."""
        if not 0 <= number < self.size or not self._holds(number):
            self.wrong(f"{how} of {number}, which is not in {self.view}")
            return
        if self.updates and how == "ADDED" and self._shown(number):
            self.wrong(f"{how} of {number}, which was shown before")
        if revision:
            before = self._later.get((number, revision), 0)
            self._later[number, revision] = self._connection
            self._newest[number] = revision
        else:
            before = self._first[number]
            self._first[number] = self._connection
            if number in self._newest:
                self._newest[number] = 0
        self.counts["seen"] += 1
        if before:
            self._again(before, f"{how} of {number}/{revision}")
        else:
            self.news_s = time.monotonic()

    def _shown(self, number: int) -> bool:
        return bool(self._first[number]) or number in self._newest

    def _again(self, before: int, what: str) -> None:
        stint = self._stints[-1]
        if before == self._connection or (self._stints[before] == stint and self._exact):
            self.counts["repeated"] += 1
            self._example(f"repeated: {what}, by connection {self._connection} after {before}")
        elif stint == self._begun:
            self.counts["repeated after a break"] += 1
            if not self.counts["repeated after a break"] % 100:
                self.note(f"after a break: {what}, shown by connection {before}")
        else:
            self.counts["repeated across"] += 1

    def wrong(self, text: str) -> None:
        """Count what no gateway may send."""
        self.counts["wrong"] += 1
        self._example(f"wrong: {text}")

    def _example(self, text: str) -> None:
        self.note(text)
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{self.name}: {text}")

    def missing(self, truth: Iterable[Pair]) -> list[Pair]:
        """Return those in the view whose latest revision was not the last that was shown."""
        return [pair for pair in truth if self._holds(pair[0]) and not self._is_latest(*pair)]

    def _is_latest(self, number: int, revision: int) -> bool:
        shown = self._newest.get(number, 0)
        return shown >= revision if revision else self._shown(number)
