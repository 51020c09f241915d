"""What the one writer thread does: commit documents, and give every record its place in lanes."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs

from kjournal.codec import MICROSECONDS, dump_json, load_json
from kjournal.errors import StoreError, StoreRejected
from kjournal.query.model import Document
from kjournal.query.paths import event_time_us
from kjournal.store.embedded.file import StoreFile
from kjournal.store.embedded.ids import AutoIds
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.overdue import Overdue
from kjournal.store.interfaces import NewDocument, Source, Written

CATCH_UP_ROWS = 500
"""Rows that one step of catching up reads, in one transaction of some 10 ms."""

ARRIVALS_KEPT_US = 86400 * MICROSECONDS
"""How far back the file knows when its rows came."""

_KNOWN_TIMES = ("@timestamp", "timestamp", "time", "requestReceivedTimestamp", "lastTimestamp")
"""Where the age of a record is found that belongs to no open source."""


@attrs.define
class _LiveLane:
    number: int
    lane: Lane


@attrs.frozen
class Encoded:
    """A document to write, with its bytes."""

    new: NewDocument
    body: bytes


def encoded(documents: Sequence[NewDocument]) -> list[Encoded]:
    """Return the documents with their bytes.

    Raises: StoreRejected for a document that JSON cannot say.
    """
    try:
        return [Encoded(new, dump_json(new.document)) for new in documents]
    except (ValueError, TypeError, RecursionError) as error:
        raise StoreRejected("a document cannot be written as JSON") from error


class Writer:
    """The writing connection. Not thread-safe: all calls come from one thread, one at a time."""

    def __init__(self, file: StoreFile, ids: AutoIds, seconds: Callable[[], float]) -> None:
        self._file = file
        self._ids = ids
        self._seconds = seconds
        self._opened: sqlite3.Connection | None = None
        self._live: dict[Source, list[_LiveLane]] = {}
        self._sources: tuple[Source, ...] = ()
        self.overdue = Overdue(file.name)

    def know(self, source: Source) -> None:
        """Let a source tell the event time, and so the age, of what is written from now on.

        Any thread may call it.
        """
        if source not in self._sources:
            self._sources = (*self._sources, source)

    @property
    def now_us(self) -> int:
        """The time by the reactor's clock."""
        return int(self._seconds() * MICROSECONDS)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a transaction that is durable once the block has ended.

        Raises: StoreError, and then nothing was changed.
        """
        with self._file.errors():
            if self._opened is None:
                self._opened = self._file.connect()
            connection = self._opened
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back already; and no failed connection is used again.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self.close()
                raise

    def commit(self, groups: Sequence[Sequence[NewDocument]]) -> list[list[Written] | StoreError]:
        """Write all groups in one transaction; a group that is no JSON is left out.

        Returns: for each group what became of it.
        Raises: StoreError, and then nothing is stored.
        """
        ready: list[list[Encoded] | StoreError] = []
        for group in groups:
            try:
                ready.append(encoded(group))
            except StoreError as error:
                ready.append(error)
        with self.transaction() as connection:
            lanes = {source: self._live.get(source, []) for source in self._sources}
            work = _Commit(connection, lanes, self._ids, self.now_us)
            answers = [
                group if isinstance(group, StoreError) else [work.add(item) for item in group]
                for group in ready
            ]
            work.finish()
        return answers

    def catch_up(self, lane: Lane) -> bool:
        """Give places in the lane to the next rows that have none; return whether it is live now.

        A live lane gets its places with each commit.
        """
        self.know(lane.source)
        live = self._live.setdefault(lane.source, [])
        if any(one.lane == lane for one in live):
            return True
        with self.transaction() as connection:
            number, upto = self._lane_row(connection, lane)
            rows = connection.execute(
                "SELECT r.row, i.name, r.document FROM records r JOIN indices i"
                " ON i.number = r.index_number WHERE r.row > ? ORDER BY r.row LIMIT ?",
                (upto, CATCH_UP_ROWS),
            ).fetchall()
            for row, index, body in rows:
                place(connection, lane, number, row, index, load_json(body))
            caught_up = len(rows) < CATCH_UP_ROWS
            reached = last_row(connection) if caught_up else rows[-1][0]
            connection.execute("UPDATE lanes SET upto = ? WHERE number = ?", (reached, number))
        if caught_up:
            live.append(_LiveLane(number, lane))
        return caught_up

    def live_numbers(self) -> dict[int, Lane]:
        """Return the lanes that each commit maintains, by their numbers."""
        return {one.number: one.lane for lanes in self._live.values() for one in lanes}

    def close(self) -> None:
        """Close the connection; the last one of a process empties the write-ahead log."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _lane_row(self, connection: sqlite3.Connection, lane: Lane) -> tuple[int, int]:
        connection.execute(
            "INSERT INTO lanes (key, upto, used_us) VALUES (?, 0, ?)"
            " ON CONFLICT (key) DO UPDATE SET used_us = excluded.used_us",
            (lane.key, self.now_us),
        )
        number, upto = connection.execute(
            "SELECT number, upto FROM lanes WHERE key = ?", (lane.key,)
        ).fetchone()
        return number, upto


def last_row(connection: sqlite3.Connection) -> int:
    """Return the highest row number ever given."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return int(found[0]) if found else 0


def place(
    connection: sqlite3.Connection,
    lane: Lane,
    number: int,
    row: int,
    index: str,
    document: Document,
) -> None:
    """Give a row its place in a lane, if it belongs there."""
    time_us = lane.time_of(index, document)
    if time_us is not None:
        connection.executemany(
            "INSERT OR IGNORE INTO places VALUES (?, ?, ?, ?)",
            [(number, value, time_us, row) for value in lane.values_of(document)],
        )


class _Commit:
    """One transaction's documents."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        live: dict[Source, list[_LiveLane]],
        ids: AutoIds,
        now_us: int,
    ) -> None:
        self._connection = connection
        self._live = live
        self._ids = ids
        self._now_us = now_us
        self._row = self._begins_at = last_row(connection)
        self._indices: dict[str, int] = {}
        self._added: dict[int, int] = {}

    def add(self, item: Encoded) -> Written:
        """Write one document and return what became of it."""
        new = item.new
        index_number = self._index_number(new.index)
        id = self._ids.next_id() if new.id is None else new.id
        earlier = None if new.id is None else self._current(index_number, id)
        if earlier is not None and new.create:
            row, version = earlier
            return Written(index=new.index, id=id, status=409, version=version, row=row)
        self._row += 1
        version = 1
        if earlier is not None:
            version = earlier[1] + 1
            self._connection.execute(
                "UPDATE records SET gone = ? WHERE row = ?", (self._row, earlier[0])
            )
        self._insert(item, index_number, id, version)
        status = 201 if earlier is None else 200
        return Written(index=new.index, id=id, status=status, version=version, row=self._row)

    def finish(self) -> None:
        """Bring the counts of indices and the reach of live lanes up to date."""
        self._connection.executemany(
            "UPDATE indices SET records = records + ? WHERE number = ?",
            [(count, number) for number, count in self._added.items()],
        )
        if self._row > self._begins_at:
            self._note_arrival()
        numbers = [(self._row, one.number) for lanes in self._live.values() for one in lanes]
        self._connection.executemany("UPDATE lanes SET upto = ? WHERE number = ?", numbers)

    def _note_arrival(self) -> None:
        """Note for each second with a commit the last row before it: where watches resume."""
        second_us = self._now_us // MICROSECONDS * MICROSECONDS
        noted = self._connection.execute(
            "INSERT OR IGNORE INTO arrivals VALUES (?, ?)", (second_us, self._begins_at)
        )
        if noted.rowcount:
            self._connection.execute(
                "DELETE FROM arrivals WHERE time_us <"
                " (SELECT max(time_us) FROM arrivals WHERE time_us <= ?)",
                (second_us - ARRIVALS_KEPT_US,),
            )

    def _insert(self, item: Encoded, index_number: int, id: str, version: int) -> None:
        age_us = self._place(item.new)
        self._connection.execute(
            "INSERT INTO records (row, index_number, id, version, age_us, document)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (self._row, index_number, id, version, age_us, item.body),
        )
        self._added[index_number] = self._added.get(index_number, 0) + 1

    def _place(self, new: NewDocument) -> int:
        """Give the row its places, and return the time that its age is counted from."""
        event_us = 0
        for source, lanes in self._live.items():
            time_us = Lane(source).time_of(new.index, new.document)
            if time_us is None:
                continue
            event_us = event_us or time_us
            # Two kinds may read the same records the same way, by one lane then.
            self._connection.executemany(
                "INSERT OR IGNORE INTO places VALUES (?, ?, ?, ?)",
                [
                    (one.number, value, time_us, self._row)
                    for one in lanes
                    for value in one.lane.values_of(new.document)
                ],
            )
        event_us = event_us or event_time_us(new.document, _KNOWN_TIMES) or self._now_us
        return min(event_us, self._now_us)

    def _current(self, index_number: int, id: str) -> tuple[int, int] | None:
        found: tuple[int, int] | None = self._connection.execute(
            "SELECT row, version FROM records WHERE id = ? AND index_number = ? AND gone IS NULL",
            (id, index_number),
        ).fetchone()
        return found

    def _index_number(self, name: str) -> int:
        number = self._indices.get(name)
        if number is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO indices (name, records) VALUES (?, 0)", (name,)
            )
            number = int(
                self._connection.execute(
                    "SELECT number FROM indices WHERE name = ?", (name,)
                ).fetchone()[0]
            )
            self._indices[name] = number
        return number
