"""A watch that goes on where another process, or the past of this one, left it."""

from collections.abc import Iterator

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kjournal.kinds.mapping import Mapping
from kjournal.query.clauses import query_of
from kjournal.query.model import PageStart, Position, Record
from kjournal.query.predicate import predicate_of
from kjournal.query.view import View
from kjournal.store.interfaces import IStore
from kjournal.tail.hub import Subscription
from kjournal.tail.journal import Checkpoint
from kjournal.tail.window import WatchEvent

_PAGE = 1000
_SLICE = 250


@attrs.frozen(kw_only=True)
class Span:
    """What a watch has missed: what `until` has seen and `since` had not.

    `numbers` are resourceVersions for it, ascending, which no event of this process has: a watch
    that breaks off in the middle comes back with one of them, and begins the span again.
    """

    since: Position
    until: Checkpoint
    numbers: Iterator[int]


class CatchUp:
    """Reads the span out of the store for one view, slice after slice."""

    def __init__(
        self, store: IStore, mapping: Mapping, view: View, span: Span, clock: IReactorTime
    ) -> None:
        self.snapshot = ""
        self.warnings: tuple[str, ...] = ()
        self._store, self._mapping, self._span, self._clock = store, mapping, span, clock
        # A watch shows what arrives, however old it is: no default time range.
        self._query = query_of(view, mapping.fields, None)
        self._holds = predicate_of(view)
        self._records: list[Record] = []
        self._start: PageStart | None = None
        self._more = True

    async def begin(self) -> None:
        """Read the first page. Raises: StoreError."""
        await self._fetch()

    async def next_slice(self) -> list[WatchEvent] | None:
        """Return the next events, which may be none, or None at the end.

        Raises: StoreError; what was returned before is not all.
        """
        if not self._records:
            if not self._more:
                return None
            await self._fetch()
        taken, self._records = self._records[:_SLICE], self._records[_SLICE:]
        await deferLater(self._clock, 0, lambda: None)
        events = (self._event_of(record) for record in taken)
        return [event for event in events if event is not None]

    async def _fetch(self) -> None:
        page = await self._store.list_page(
            self._query,
            limit=_PAGE,
            at=self._span.until.position,
            beyond=self._span.since,
            after=self._start,
        )
        self.snapshot, self.warnings = page.snapshot, self.warnings + page.warnings
        self._records, self._more = page.records, page.more and bool(page.records)
        if page.records:
            self._start = PageStart(snapshot=page.snapshot, after=page.records[-1].sort)

    def _event_of(self, record: Record) -> WatchEvent | None:
        version = min(next(self._span.numbers), self._span.until.resource_version - 1)
        obj = self._mapping.object_of(record, version)
        if obj is None or not self._holds(obj, record.time_us):
            return None
        type = "MODIFIED" if record.updated else "ADDED"
        return WatchEvent(type, version, obj, record.time_us, 0)


@attrs.frozen
class Resumption:
    """A subscription, and what is to be written before it, if that is not in the window."""

    subscription: Subscription
    catch_up: CatchUp | None = None
