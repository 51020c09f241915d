"""One source's records in the SQLite file."""

from collections.abc import Awaitable, Callable
from functools import partial

from zope.interface import implementer

from kjournal.errors import CursorExpired, StoreRejected
from kjournal.query.model import Batch, Page, PageStart, Position, Query, Record
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.reader import read_batch, read_page, read_records, row_before
from kjournal.store.embedded.scanning import ListRequest, is_lookup
from kjournal.store.embedded.threads import Threads
from kjournal.store.interfaces import IStore, Source

MAX_LOOKUPS = 3
"""How many different paths a source's records are kept by, for clauses to look up.

Each costs a row for every record that is written. One of them is for the namespace's paths only.
"""


@implementer(IStore)
class EmbeddedStore:
    """Reads at row numbers: a position, and a snapshot, is the highest row that is seen.

    Lanes are caught up before the first reading; from then on each commit maintains them.
    """

    def __init__(
        self, source: Source, threads: Threads, catch_up: Callable[[Lane], Awaitable[None]]
    ) -> None:
        self._lane = Lane(source)
        self._threads = threads
        self._catch_up = catch_up
        self._wanted: list[Lane] = []
        self._by_value: list[Lane] = []

    async def list_page(
        self,
        query: Query,
        *,
        limit: int,
        at: Position | None = None,
        beyond: Position | None = None,
        after: PageStart | None = None,
    ) -> Page:
        """Return a page; clauses with IN are looked up by value after their paths' first use."""
        await self._catch_up(self._lane)
        self._want_lookups(query)
        request = ListRequest(
            lane=self._lane,
            query=query,
            limit=min(limit, self._lane.source.max_page),
            at=None if at is None else _row_of(at),
            beyond=0 if beyond is None else _row_of(beyond),
            after=after,
            by_value=tuple(self._by_value),
        )
        return await self._threads.read_list(partial(read_page, request=request))

    async def get_records(self, id: str) -> list[Record]:
        """Return the records with that id, one for each index that has one."""
        await self._catch_up(self._lane)
        return await self._threads.read(partial(read_records, lane=self._lane, id=id))

    async def poll(self, position: Position | None) -> Batch:
        """Return the rows after `position` that no later version replaced."""
        await self._catch_up(self._lane)
        row = None if position is None else _row_of(position)
        return await self._threads.read(partial(read_batch, lane=self._lane, position=row))

    async def position_before(self, time_us: int) -> Position:
        """Return the last row that was committed in the second before a time, or earlier."""
        return Position(await self._threads.read(partial(row_before, time_us=time_us)))

    def position_text(self, position: Position) -> str:
        """Return nothing: the file knows when its rows came."""
        return ""

    def position_of(self, text: str) -> Position:
        """Raises: CursorExpired, as no text was ever given."""
        raise CursorExpired("the store keeps its positions itself")

    async def release(self, snapshot: str) -> None:
        """Do nothing: a snapshot is a number."""

    async def tend(self) -> None:
        """Catch up with what was written before this run, and with what lists have looked up."""
        await self._catch_up(self._lane)
        for lane in self._wanted[len(self._by_value) :]:
            await self._catch_up(lane)
            self._by_value.append(lane)

    def _want_lookups(self, query: Query) -> None:
        for clause in query.clauses:
            # Whatever else a client's selector names is walked for: it would cost every write.
            if is_lookup(clause) and clause.paths in self._lane.source.lookups:
                self._want(Lane(self._lane.source, clause.paths))

    def _want(self, lane: Lane) -> None:
        first = self._lane.source.lookups[0]
        others = sum(wanted.paths != first for wanted in self._wanted)
        if lane not in self._wanted and (lane.paths == first or others < MAX_LOOKUPS - 1):
            self._wanted.append(lane)


def _row_of(position: Position) -> int:
    if not isinstance(position, int):
        raise StoreRejected("not a position of this store")
    return position
