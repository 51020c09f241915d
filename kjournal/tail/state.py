"""Positions of the recent past in a folder, where the next process finds them.

A store keeps no time at which its records arrived. What a process saw, and when, only it can tell:
so it says it, every few seconds, to whoever comes after it or beside it.
"""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from twisted.logger import Logger

from kjournal.codec import MICROSECONDS, dump_json, load_json

NOTED_S = 2.0


class StateFiles:
    """One kind's positions. Each process writes files of its own, and reads those of all."""

    _log = Logger()

    def __init__(self, folder: str, name: str, kept_s: float) -> None:
        """`name` tells kinds, and sources, apart; `kept_s` is the resume window."""
        self._folder, self._name, self._kept_s = Path(folder), name, kept_s
        self._path: Path | None = None
        self._begun_us = self._noted_us = self._last_us = 0
        self._last = ""
        self._read: dict[Path, tuple[int, list[tuple[int, str]]]] = {}

    def note(self, seen_us: int, position: Callable[[], str]) -> None:
        """Write where a tail is, if the last time was not just now. A failure is logged."""
        if seen_us < self._noted_us + NOTED_S * MICROSECONDS:
            return
        self._noted_us = seen_us
        text = position()
        # Where nothing happens it is said again in time to be found within the window.
        again = seen_us > self._last_us + self._kept_s * MICROSECONDS / 2
        if not text or (text == self._last and not again):
            return
        try:
            self._append(seen_us, text)
        except OSError as error:
            self._log.warn(
                "cannot keep the state of {name}: {e}", name=self._name, e=error.strerror
            )
        else:
            self._last, self._last_us = text, seen_us

    def _append(self, seen_us: int, text: str) -> None:
        if self._path is None or seen_us > self._begun_us + self._kept_s * MICROSECONDS:
            self._path = self._folder / f"{self._name}.{secrets.token_hex(6)}.jsonl"
            self._begun_us = seen_us
            self._remove_old(seen_us)
        with self._path.open("ab") as file:
            file.write(dump_json([seen_us, text]) + b"\n")

    def _remove_old(self, now_us: int) -> None:
        oldest_s = now_us / MICROSECONDS - 2 * self._kept_s - 60
        for path in self._folder.glob(f"{self._name}.*.jsonl"):
            if path.stat().st_mtime < oldest_s:
                path.unlink(missing_ok=True)

    def before(self, time_us: int) -> str | None:
        """Return the latest position of which all was visible at a time, or None."""
        best_us, best = int(time_us - self._kept_s * MICROSECONDS), None
        for seen_us, text in self._lines():
            if best_us < seen_us <= time_us:
                best_us, best = seen_us, text
        return best

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Yield all lines; a file is read again once it has grown."""
        read = {}
        for path in self._folder.glob(f"{self._name}.*.jsonl"):
            try:
                size = path.stat().st_size
                known = self._read.get(path)
                read[path] = known if known and known[0] == size else (size, _lines_of(path))
            except OSError:
                continue  # another process has just removed it
        self._read = read
        for _, lines in read.values():
            yield from lines


def _lines_of(path: Path) -> list[tuple[int, str]]:
    lines = []
    for line in path.read_bytes().splitlines():
        try:
            seen_us, text = load_json(line)
        except (ValueError, TypeError):
            continue  # the last line of a process that was killed
        lines.append((int(seen_us), str(text)))
    return lines
