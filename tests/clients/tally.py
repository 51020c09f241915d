"""What a client was told, held against what was written."""

import threading
from typing import Any

import attrs

_LISTS = ("LIST", "WATCHLIST")
_OBJECTS = ("ADDED", "MODIFIED", "DELETED")
_GONE = 410


@attrs.frozen
class Seen:
    """One document as a client first met it."""

    number: int
    name: str
    version: str


@attrs.define
class Tally:
    """Counts of one client; a line is what `go/tell.go` describes.

    A session is a list and what follows it: a client that lists again is told everything again,
    which is no mistake; the same document twice in one session is.
    """

    objects: dict[str, Seen] = attrs.field(factory=dict)
    """What was seen of each uid."""
    first_s: dict[int, float] = attrs.field(factory=dict)
    """When each number was first seen."""
    repeated: int = 0
    """Objects that came again in one session."""
    again: int = 0
    """Objects that came again because the client listed again."""
    renamed: list[str] = attrs.field(factory=list)
    """Objects whose name or number was another one than before; none may be."""
    versions: int = 0
    """Objects that came again with another resourceVersion than when they were first seen."""
    taken: list[str] = attrs.field(factory=list)
    """Objects that were reported as deleted; none was."""
    lists: int = 0
    watches: int = 0
    """Requests to watch that were answered, where the client tells them."""
    expired: int = 0
    """Answers of 410, by HTTP status or in a stream."""
    refused: int = 0
    """Requests that were answered with another failure."""
    _session: set[str] = attrs.field(factory=set)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def add(self, line: dict[str, Any], at_s: float) -> None:
        """Count one line that was read at a time."""
        with self._lock:
            if line["type"] in _OBJECTS:
                self._object(line, at_s)
            else:
                self._request(line)

    def _request(self, line: dict[str, Any]) -> None:
        code = line.get("code", 0)
        if code == _GONE:
            self.expired += 1
        elif code >= 400:
            self.refused += 1
        elif line["type"] in _LISTS:
            self.lists += 1
            self._session.clear()
        elif line["type"] == "WATCH":
            self.watches += 1

    def _object(self, line: dict[str, Any], at_s: float) -> None:
        uid, seen = line["uid"], Seen(line["number"], line["name"], line["resourceVersion"])
        if line["type"] == "DELETED":
            self.taken.append(f"{uid}: {seen}")
            return
        before = self.objects.setdefault(uid, seen)
        if before is seen:
            self.first_s.setdefault(seen.number, at_s)
        elif uid in self._session:
            self.repeated += 1
        else:
            self.again += 1
        if (before.name, before.number) != (seen.name, seen.number):
            self.renamed.append(f"{uid}: {before}, then {seen}")
        self.versions += before.version != seen.version
        self._session.add(uid)

    def numbers(self) -> set[int]:
        """Return the numbers seen so far."""
        with self._lock:
            return set(self.first_s)

    def twice(self) -> int:
        """Return how many uids there are beyond one for each number."""
        with self._lock:
            return len(self.objects) - len(self.first_s)


def lag_s(written_s: dict[int, float], first_s: dict[int, float]) -> tuple[float, float]:
    """Return the median and the greatest time from a write to its sight."""
    lags = sorted(
        seen_s - written_s[number] for number, seen_s in first_s.items() if number in written_s
    )
    return (lags[len(lags) // 2], lags[-1]) if lags else (0.0, 0.0)
