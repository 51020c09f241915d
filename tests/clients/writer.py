"""The one writer: numbered documents by `_bulk`, as a shipper sends them."""

import threading
import time
from typing import Any

import attrs

from kjournal.codec import dump_json
from tests.integration.stories import ago, ask, container_line

NAMESPACE = "shop"
ELSEWHERE = "bank"
EVERY_S = 0.1
HOUR_S = 3600
OLD_EACH = 10
"""One of so many documents carries a time of an hour ago."""
FOREIGN_EACH = 7
"""One of so many documents belongs to another namespace."""


def document_of(number: int) -> dict[str, Any]:
    """Return the document with a number."""
    namespace = ELSEWHERE if number % FOREIGN_EACH == 0 else NAMESPACE
    line = container_line(f"line {number}", namespace, number=number)
    return {**line, "@timestamp": ago(HOUR_S)} if number % OLD_EACH == 0 else line


def send(url: str, documents: list[tuple[str, dict[str, Any]]]) -> None:
    """Write documents without a refresh: when they can be searched is the store's own affair."""
    lines = bytearray()
    for index, document in documents:
        lines += dump_json({"create": {"_index": index}}) + b"\n" + dump_json(document) + b"\n"
    headers = {"Content-Type": "application/x-ndjson"}
    answer = ask(url, "/_bulk", method="POST", body=bytes(lines), headers=headers)
    assert answer.status == 200, answer.body[:2000]
    assert answer.json["errors"] is False, answer.body[:2000]


@attrs.define
class Writer:
    """Writes at a rate, in turn to two indices, from a thread of its own until it is stopped."""

    url: str
    indices: tuple[str, str]
    rate: float
    """Documents a second."""
    written_s: dict[int, float] = attrs.field(factory=dict)
    """When each number of the namespace was acknowledged."""
    foreign: set[int] = attrs.field(factory=set)
    """The numbers of another namespace, which no client may see."""
    _last: int = 0
    _batches: int = 0
    _ended: threading.Event = attrs.field(factory=threading.Event)
    _failure: list[BaseException] = attrs.field(factory=list)
    _thread: threading.Thread | None = None

    def write(self, count: int) -> None:
        """Write the next numbers in one request."""
        numbers = range(self._last + 1, self._last + 1 + count)
        index = self.indices[self._batches % 2]
        send(self.url, [(index, document_of(number)) for number in numbers])
        self._last, self._batches = numbers[-1], self._batches + 1
        at_s = time.monotonic()
        for number in numbers:
            if number % FOREIGN_EACH == 0:
                self.foreign.add(number)
            else:
                self.written_s[number] = at_s

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and raise what ended it before."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(60)
        for failure in self._failure:
            raise failure

    def _run(self) -> None:
        begun_s, before = time.monotonic(), self._last
        try:
            while not self._ended.wait(EVERY_S):
                due = int((time.monotonic() - begun_s) * self.rate) - (self._last - before)
                if due > 0:
                    self.write(due)
        except BaseException as failure:
            self._failure.append(failure)
