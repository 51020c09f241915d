"""A watch that goes on where another process, or the past of this one, left it."""

from collections.abc import Iterator
from typing import Protocol

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from kjournal.codec import MICROSECONDS
from kjournal.errors import CursorExpired, Expired
from kjournal.kinds.mapping import Mapping
from kjournal.query.clauses import query_of
from kjournal.query.model import PageStart, Position, Record
from kjournal.query.predicate import predicate_of
from kjournal.query.resource_version import Mint
from kjournal.query.view import View
from kjournal.store.interfaces import IStore
from kjournal.tail.events import SLICE
from kjournal.tail.figures import Figures, TailLimits
from kjournal.tail.hub import Hub, Subscription
from kjournal.tail.journal import Checkpoint, Journal
from kjournal.tail.state import StateFiles
from kjournal.tail.window import WatchEvent, versioned

_log = Logger()
_PAGE = 1000
# The numbers of a catch-up begin at the client's own, and so long before the live ones at least.
NUMBERS_US = 1_000_000


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
        self._held: WatchEvent | None = None

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
        taken, self._records = self._records[:SLICE], self._records[SLICE:]
        await deferLater(self._clock, 0)
        events = [self._event_of(record, next(self._span.numbers)) for record in taken]
        found = [event for event in events if event is not None]
        return self._held_back(found)

    def _held_back(self, found: list[WatchEvent]) -> list[WatchEvent]:
        """Return the events but for the last one, which may be the last of all.

        That one has the number of the span's end: who has it has everything.
        """
        if self._held is not None:
            found.insert(0, self._held)
        self._held = None
        if found and (self._records or self._more):
            self._held = found.pop()
        elif found:
            last, version = found.pop(), self._span.until.resource_version
            obj = versioned(last.object, version)
            found.append(attrs.evolve(last, object=obj, resource_version=version))
        return found

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

    def _event_of(self, record: Record, number: int) -> WatchEvent | None:
        version = min(number, self._span.until.resource_version - 1)
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


class Followed(Protocol):
    """What resuming needs of a tail."""

    hub: Hub
    figures: Figures

    @property
    def following(self) -> bool:
        """Whether events are published, from the window's floor on."""

    async def checkpoint(self) -> Checkpoint:
        """Return a checkpoint of a poll that began after this call."""

    def subscribe(self, view: View, after: int) -> Subscription:
        """Return a subscription to the view's events above a resourceVersion."""


class Resumer:
    """Finds where watches go on: in the window, by the journal, by kept state, by the store."""

    def __init__(
        self,
        store: IStore,
        mapping: Mapping,
        numbering: tuple[Journal, Mint],
        limits: TailLimits,
        state: StateFiles | None,
        clock: IReactorTime,
    ) -> None:
        self._store, self._mapping, self._limits = store, mapping, limits
        self._journal, self._mint = numbering
        self._state, self._clock = state, clock

    async def resume(self, tail: Followed, view: View, resource_version: int) -> Resumption:
        """Return where a watch goes on, as Tail.resume says."""
        if resource_version < self.oldest_us():
            tail.figures.resumes["expired"] += 1
            raise too_old(resource_version)
        own = self._journal.minted(resource_version)
        wanted = min(resource_version, self._now_us()) - self._overlap_us
        # What another process has shown is known by time, what this one has, by number.
        entry = None if own else self._journal.seen_before(wanted)
        after = resource_version if own else entry.checkpoint.resource_version if entry else -1
        if tail.following and after >= tail.hub.window.floor:
            tail.figures.resumes["exact" if own else "overlap"] += 1
            return Resumption(tail.subscribe(view, after))
        tail.figures.resumes["store"] += 1
        if own and (checkpoint := self._journal.before(resource_version)):
            since = checkpoint.position
        elif entry is not None and entry.seen_us >= wanted - self._overlap_us:
            since = entry.checkpoint.position
        else:
            since = await self._position_before(wanted)
        until = await tail.checkpoint()
        subscription = tail.subscribe(view, until.resource_version)
        numbers = self._mint.others(min(resource_version, until.resource_version - NUMBERS_US))
        span = Span(since=since, until=until, numbers=numbers)
        catch_up = CatchUp(self._store, self._mapping, view, span, self._clock)
        return Resumption(subscription, catch_up)

    def oldest_us(self) -> int:
        """Return the resourceVersion below which nothing is resumed."""
        return self._now_us() - int(self._limits.resume_window_s * MICROSECONDS)

    async def _position_before(self, time_us: int) -> Position:
        """Return where a process was that kept its state, or else what the store can tell."""
        text = self._state.before(time_us) if self._state else None
        if text is not None:
            try:
                return self._store.position_of(text)
            except CursorExpired:
                _log.warn(
                    "a kept position of {kind} cannot be read", kind=self._mapping.kind.plural
                )
        return await self._store.position_before(time_us)

    @property
    def _overlap_us(self) -> int:
        return int(self._limits.resume_overlap_s * MICROSECONDS)

    def _now_us(self) -> int:
        return int(self._clock.seconds() * MICROSECONDS)


def too_old(resource_version: int) -> Expired:
    """Return the error for a resourceVersion that is no longer known."""
    return Expired(f"too old resource version: {resource_version}; list again")
