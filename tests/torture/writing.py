"""The process that writes: eight threads of bulks, and a file of what was acknowledged.

    python -m tests.torture.writing PLAN

A line of the file is a document: number, revision, index, what was done, and when it was
acknowledged, or null for what was not.
"""

import http.client
import random
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any

import attrs

from kjournal.codec import dump_json, load_json
from tests.torture.lines import WRITERS, document
from tests.torture.plans import WritePlan, decode

_BULKS = (1, 5, 20, 50, 100)
_TIMEOUT_S = 60.0
_AGAIN_S = 0.2
_LATEST = 2000


@attrs.define
class _Line:
    """A document to write: to create it, to index it anew, or to delete it."""

    op: str
    number: int
    revision: int
    target: str
    id: str | None
    acked: bool = False
    over: bool = False

    def body(self, plan: WritePlan, dice: random.Random) -> bytes:
        """Return its lines of a bulk."""
        place = (
            {"_index": self.target} if self.id is None else {"_index": self.target, "_id": self.id}
        )
        head = dump_json({self.op: place}) + b"\n"
        if self.op == "delete":
            return head
        made = document(self.number, self.revision, time.time(), plan.mix, dice)
        return head + dump_json(made) + b"\n"

    def answered(self, item: dict[str, Any], again: bool) -> None:
        """Note what became of it. What a lost answer had written already is a conflict now."""
        status = int(item["status"])
        self.acked = status in (200, 201) or (again and self.op == "create" and status == 409)
        self.acked |= self.op == "delete" and status == 404
        # Without an id of ours nobody could tell whether it was written twice.
        self.over = self.acked or self.id is None or status in (400, 409)


class _Acks:
    """The file, shared by the threads."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()

    def write(self, lines: list[_Line]) -> None:
        now = time.time()
        rows = (
            (one.number, one.revision, one.target, one.op, now if one.acked else None)
            for one in lines
        )
        text = b"".join(dump_json(row) + b"\n" for row in rows)
        with self._lock, self._path.open("ab") as file:
            file.write(text)


class _Writer:
    """One thread: its documents are those whose number is `number` modulo the writers."""

    def __init__(self, plan: WritePlan, number: int, acks: _Acks) -> None:
        self._plan, self._acks = plan, acks
        self._dice = random.Random(f"{plan.seed}-{number}")
        self._next = number
        self._written: list[_Line] = []
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Write this thread's part, at its part of the rate."""
        begun, sent = time.monotonic(), 0
        rate = self._plan.rate / WRITERS
        while self._next < self._plan.documents:
            lines = self._lines()
            self._send(lines)
            sent += len(lines)
            ahead_s = sent / rate - (time.monotonic() - begun)
            if ahead_s > 0:
                time.sleep(ahead_s)

    def _lines(self) -> list[_Line]:
        lines = []
        for _ in range(self._dice.choice(_BULKS)):
            if self._next >= self._plan.documents:
                break
            lines.append(self._line())
        return lines

    def _line(self) -> _Line:
        plan, dice = self._plan, self._dice
        kind = dice.random()
        if self._written and kind < plan.updates + plan.deletes:
            old = self._written.pop(dice.randrange(len(self._written)))
            op = "index" if kind < plan.updates else "delete"
            return _Line(op, old.number, old.revision + 1, old.target, old.id)
        number = self._next
        self._next += WRITERS
        part = number / plan.documents
        later = (target for target, begins in plan.later.items() if part >= begins)
        target = dice.choice((*plan.targets, *later))
        own = dice.random() < plan.own_ids
        return _Line("create", number, 0, target, f"{plan.seed}-{number}" if own else None)

    def _send(self, lines: list[_Line]) -> None:
        """Write until each is acknowledged, or may not be tried again."""
        open_, again = lines, False
        while open_:
            items = self._bulk(open_)
            if items is None:
                for one in open_:
                    one.over = one.id is None
            else:
                for one, item in zip(open_, items, strict=True):
                    one.answered(next(iter(item.values())), again)
            self._acks.write([one for one in open_ if one.over])
            self._keep(one for one in open_ if one.acked and one.id and one.op != "delete")
            open_, again = [one for one in open_ if not one.over], True
            for one in open_:
                one.revision += 1
            if open_:
                time.sleep(_AGAIN_S)

    def _keep(self, lines: Any) -> None:
        if self._plan.updates or self._plan.deletes:
            self._written += lines
            del self._written[:-_LATEST]

    def _bulk(self, lines: list[_Line]) -> list[dict[str, Any]] | None:
        """Return the items of the answer, or None where there was none that can be used."""
        body = b"".join(one.body(self._plan, self._dice) for one in lines)
        try:
            connection = self._connection or self._connect()
            head = {"Content-Type": "application/x-ndjson"}
            connection.request("POST", "/_bulk", body, head)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                return None
            items: list[dict[str, Any]] = load_json(answer)["items"]
            return items
        except (OSError, http.client.HTTPException, ValueError):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None

    def _connect(self) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self._dice.choice(self._plan.urls))
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_TIMEOUT_S
        )
        return self._connection


def main(text: str) -> None:
    """Write what a plan says."""
    plan = decode(WritePlan, text)
    acks = _Acks(plan.acks)
    threads = [
        threading.Thread(target=_Writer(plan, number, acks).run) for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
