"""A backend in memory that keeps the sentences of store/interfaces.py, and fails on request."""

from collections import deque
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from zope.interface import implementer

from kjournal.errors import CursorExpired, StoreError
from kjournal.query.clause import clause_admits, clause_holds
from kjournal.query.model import Batch, Document, Page, PageStart, Position, Query, Record
from kjournal.query.paths import event_time_us
from kjournal.store.interfaces import IBackend, IStore, Source


@attrs.define
class _Row:
    number: int
    index: str
    id: str
    document: Document
    updated: bool
    replaced_by: int | None = None


@implementer(IStore)
@attrs.define
class MemoryStore:
    """One kind's part of the backend.

    `answers` says how the next calls of a method go: a StoreError is raised, a Deferred is waited
    for. `exact` False ignores clauses, as a store may; `page_records` makes pages shorter than
    asked for.
    """

    source: Source
    rows: list[_Row]
    exact: bool = True
    page_records: int = 1000
    warnings: tuple[str, ...] = ()
    answers: dict[str, deque[StoreError | Deferred[None]]] = attrs.field(factory=dict)
    calls: list[str] = attrs.field(factory=list)
    queries: list[Query] = attrs.field(factory=list)
    released: list[str] = attrs.field(factory=list)
    expired: set[str] = attrs.field(factory=set)
    arrived: list[tuple[int, int]] = attrs.field(factory=list)

    def next_answers(self, method: str, *answers: StoreError | Deferred[None]) -> None:
        """Queue how the next calls of a method go; without any left they succeed at once."""
        self.answers.setdefault(method, deque()).extend(answers)

    async def _called(self, method: str) -> None:
        self.calls.append(method)
        queued = self.answers.get(method)
        if queued:
            answer = queued.popleft()
            if isinstance(answer, StoreError):
                raise answer
            await answer

    async def list_page(
        self,
        query: Query,
        *,
        limit: int,
        at: Position | None = None,
        beyond: Position | None = None,
        after: PageStart | None = None,
    ) -> Page:
        """Return a page, by event time and then by arrival."""
        await self._called("list_page")
        self.queries.append(query)
        ceiling: Any = len(self.rows) if at is None else at
        snapshot = f"s{beyond or 0}.{ceiling}"
        if after is not None and after.snapshot:
            snapshot = after.snapshot
        if snapshot in self.expired:
            raise CursorExpired("the snapshot is gone")
        since, until = map(int, snapshot[1:].split("."))
        found = sorted(self._visible(query, since, until), key=lambda record: record.sort)
        if after is not None:
            found = [record for record in found if record.sort > after.after]
        taken = found[: min(limit, self.page_records, self.source.max_page)]
        return Page(
            records=taken,
            snapshot=snapshot,
            more=len(found) > len(taken),
            warnings=() if after else self.warnings,
            total=len(found) if query.counted and self.exact else None,
        )

    def _visible(self, query: Query, since: int, ceiling: int) -> list[Record]:
        records = [
            self._record(row)
            for row in self.rows[since:ceiling]
            if (row.replaced_by is None or row.replaced_by >= ceiling) and self._belongs(row)
        ]
        return [record for record in records if self._asked(query, record)]

    def _asked(self, query: Query, record: Record) -> bool:
        if query.id is not None and record.id != query.id:
            return False
        if query.since_us is not None and record.time_us < query.since_us:
            return False
        if query.until_us is not None and record.time_us >= query.until_us:
            return False
        clauses = query.clauses if self.exact else ()
        return all(clause_admits(record.document, clause) for clause in clauses)

    def _belongs(self, row: _Row) -> bool:
        return all(clause_holds(row.document, clause) for clause in self.source.filter)

    def _record(self, row: _Row) -> Record:
        time_us = event_time_us(row.document, self.source.timestamp_fields)
        return Record(
            index=row.index,
            id=row.id,
            time_us=time_us,
            document=row.document,
            sort=(time_us, row.number),
            updated=row.updated,
        )

    async def get_records(self, id: str) -> list[Record]:
        """Return the newest record of that id in each index."""
        await self._called("get_records")
        return [
            self._record(row)
            for row in self.rows
            if row.id == id and row.replaced_by is None and self._belongs(row)
        ]

    async def poll(self, position: Position | None) -> Batch:
        """Return what was written after a position."""
        await self._called("poll")
        end = len(self.rows)
        if position is None:
            return Batch(records=[], position=Position(end))
        begin: Any = position
        end = min(end, begin + self.page_records)
        rows = [row for row in self.rows[begin:end] if row.replaced_by is None]
        return Batch(
            records=[self._record(row) for row in rows if self._belongs(row)],
            position=Position(end),
            more=end < len(self.rows),
        )

    async def position_before(self, time_us: int) -> Position:
        """Return what `arrived` says of the latest time that is not later."""
        await self._called("position_before")
        return Position(max((row for at, row in self.arrived if at <= time_us), default=0))

    def position_text(self, position: Position) -> str:
        """Return a row number."""
        return str(position)

    def position_of(self, text: str) -> Position:
        """Return a row number."""
        return Position(int(text))

    async def release(self, snapshot: str) -> None:
        """Note that a snapshot was given up."""
        await self._called("release")
        self.released.append(snapshot)


@implementer(IBackend)
@attrs.define
class MemoryBackend:
    """All stores over one sequence of documents."""

    rows: list[_Row] = attrs.field(factory=list)
    stores: list[MemoryStore] = attrs.field(factory=list)
    closed: bool = False

    def write(self, index: str, id: str, document: Document) -> None:
        """Store a document; it is visible at once, and replaces one of the same index and id."""
        number, updated = len(self.rows), False
        for row in self.rows:
            if (row.index, row.id) == (index, id) and row.replaced_by is None:
                row.replaced_by, updated = number, True
        self.rows.append(_Row(number, index, id, document, updated))

    def open_store(self, source: Source) -> MemoryStore:
        """Return the store of one kind."""
        store = MemoryStore(source, self.rows)
        self.stores.append(store)
        return store

    async def check(self) -> None:
        """Answer."""

    async def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
