"""Pages of a list: one point in time, ordered by event time, at a position if asked."""

from contextlib import suppress

import attrs
from twisted.internet.task import deferLater

from kjournal.codec import MICROSECONDS
from kjournal.errors import StoreAnswerTooLarge, StoreError, StoreRejected, StoreUnavailable
from kjournal.query.model import COUNTED, Page, PageStart, Query, Record, SortValue
from kjournal.store.elasticsearch.caps import Capabilities, CapabilityCache
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.dsl import (
    Narrowing,
    filtered,
    nanos_needed,
    narrowing_of,
    nothing_ignored,
    sort_of,
)
from kjournal.store.elasticsearch.filters import SourceFilter
from kjournal.store.elasticsearch.hits import Answer, record_of
from kjournal.store.elasticsearch.layout import LayoutReader
from kjournal.store.elasticsearch.matching import with_id
from kjournal.store.elasticsearch.position import ElasticsearchPosition, Layout, unchanged
from kjournal.store.elasticsearch.seen import (
    needs_shards_told,
    seen_query,
    shows_what_was_seen,
    unseen_query,
)
from kjournal.store.elasticsearch.snapshot import Snapshot, ranks_of
from kjournal.store.interfaces import Source

# One more than a page is fetched, and index.max_result_window is 10,000.
_MOST = 9_999
_OPENINGS = 5
_AGAIN_S = 0.1
_BEHIND = (
    "the copies of some shard differ: records of the last seconds may be missing from this list"
)
NOTHING = 'no index matches "{index}"'


@attrs.frozen(kw_only=True)
class _List:
    """What is the same for all pages of one list."""

    query: Query
    limit: int
    at: ElasticsearchPosition | None = None
    beyond: ElasticsearchPosition | None = None


@attrs.frozen(kw_only=True)
class _Found:
    """One page's hits, and whether others follow."""

    records: list[Record]
    pit: str
    more: bool
    total: int | None = None


class Listing:
    """Lists of one source."""

    def __init__(
        self,
        cluster: Cluster,
        caps: CapabilityCache,
        source: Source,
        layouts: LayoutReader,
        overlap_s: float,
    ) -> None:
        self._cluster = cluster
        self._caps = caps
        self._source = source
        self._layouts = layouts
        self._overlap_us = int(overlap_s * MICROSECONDS)
        self._filter = SourceFilter.of(source)

    async def page(
        self,
        query: Query,
        *,
        limit: int,
        at: ElasticsearchPosition | None,
        beyond: ElasticsearchPosition | None,
        after: PageStart | None,
    ) -> Page:
        """Return a page as IStore.list_page says."""
        limit = max(1, min(limit, self._source.max_page, _MOST))
        query = self._filter.narrowed(query)
        asked = _List(query=query, limit=limit, at=at, beyond=beyond)
        if after is None:
            return await self._first(asked, ())
        if not after.snapshot:
            # The tie-break is of no other snapshot: what has the same time is shown again.
            return await self._first(asked, (*after.after[:-1], -1))
        return await self._continued(asked, after)

    async def _continued(self, asked: _List, after: PageStart) -> Page:
        snapshot = Snapshot.decode(after.snapshot)
        narrowing = Narrowing((), ())
        if not snapshot.plain:
            caps = await self._capabilities(asked, -1)
            narrowing = narrowing_of(asked.query, self._source.timestamp_fields, caps)
        found = await self._found(asked, narrowing, snapshot, after.after)
        return _page(found, snapshot, narrowing.warnings)

    async def _first(self, asked: _List, after: tuple[SortValue, ...]) -> Page:
        snapshot, shards, behind = await self._opened(asked)
        if not shards:
            await self._close(snapshot.pit)
            warning = NOTHING.format(index=self._source.index)
            return Page(records=[], snapshot="", more=False, warnings=(warning,))
        try:
            caps = await self._capabilities(asked, shards)
            narrowing = narrowing_of(asked.query, self._source.timestamp_fields, caps)
            snapshot = attrs.evolve(
                snapshot, nanos=nanos_needed(self._source.timestamp_fields, caps)
            )
            try:
                found = await self._found(asked, narrowing, snapshot, after)
            except StoreRejected:
                if not narrowing.queries:
                    raise
                # A mapping that does not understand its own kind of query; the caller filters.
                narrowing = attrs.evolve(narrowing, queries=(), exact=False)
                snapshot = attrs.evolve(snapshot, plain=True)
                found = await self._found(asked, narrowing, snapshot, after)
            if asked.query.counted and narrowing.exact and found.more:
                current = attrs.evolve(snapshot, pit=found.pit)
                total = await self._total(asked, narrowing, current)
                found = attrs.evolve(found, total=total)
        except BaseException:  # a client that leaves, too
            await self._close(snapshot.pit)
            raise
        return _page(found, snapshot, (*narrowing.warnings, *behind))

    async def _opened(self, asked: _List) -> tuple[Snapshot, int, tuple[str, ...]]:
        """Return a new snapshot, the number of its shards, and a warning if its copies are behind.

        They are opened again until they show what `at` has seen. What they still lack then may have
        been replaced or deleted: only from a copy that stays behind records are missing.
        """
        if asked.at is None:
            pit, shards = await self._cluster.open_snapshot(self._source.index)
            return Snapshot(pit=pit), shards, ()
        before = asked.at.layout
        for opening in range(_OPENINGS):
            pit, shards = await self._cluster.open_snapshot(self._source.index)
            try:
                after = await self._layouts.read()
                snapshot = self._described(asked, pit, after)
                # Its hits' shards can only be told if these are the indices that it was opened on.
                known = before == after or not (snapshot.ranks or ranks_of(before))
                if known:
                    index = self._source.index
                    if await shows_what_was_seen(self._cluster, snapshot, index):
                        return snapshot, shards, ()
                    if opening == _OPENINGS - 1:
                        return snapshot, shards, (_BEHIND,)
            except BaseException:  # a client that leaves, too
                await self._close(pit)
                raise
            await self._close(pit)
            if before == after:
                await deferLater(self._cluster.clock, _AGAIN_S * 2**opening, lambda: None)
            before = after
        raise StoreUnavailable("indices come and go faster than they can be listed")

    def _described(self, asked: _List, pit: str, layout: Layout) -> Snapshot:
        at, beyond = (
            one and one.only(unchanged(one.layout, layout)) for one in (asked.at, asked.beyond)
        )
        return Snapshot(pit=pit, ranks=ranks_of(layout), at=at, beyond=beyond)

    async def _close(self, pit: str) -> None:
        """Close a point in time; what fails here, the store does by itself some minutes later."""
        with suppress(StoreError):
            await self._cluster.close_snapshot(pit)

    async def _capabilities(self, asked: _List, shards: int) -> Capabilities:
        paths = {path for clause in asked.query.clauses for path in clause.paths}
        paths.update(self._source.timestamp_fields)
        return await self._caps.of(self._source.index, paths, shards)

    async def _found(
        self, asked: _List, narrowing: Narrowing, snapshot: Snapshot, after: tuple[SortValue, ...]
    ) -> _Found:
        """Return records from `after` on: some, unless there are no more."""
        pit = snapshot.pit
        while True:
            body = self._body(asked, narrowing, snapshot)
            if after:
                body["search_after"] = list(after)
            try:
                answer = await self._cluster.search_snapshot(
                    body,
                    pit,
                    index=self._source.index,
                    paging=bool(after),
                    ranked=bool(snapshot.ranks),
                )
            except StoreAnswerTooLarge:
                if asked.limit == 1:
                    raise
                asked = attrs.evolve(asked, limit=asked.limit // 2)
                continue
            if snapshot.ranks and answer.skipped:
                raise StoreUnavailable("Elasticsearch does not tell the shards of records")
            pit = answer.pit_id or pit
            records, more = self._records(asked, snapshot, answer)
            if records or not more:
                return _Found(records=records, pit=pit, more=more)
            after = answer.hits[asked.limit - 1].sort

    async def _total(self, asked: _List, narrowing: Narrowing, snapshot: Snapshot) -> int | None:
        """Return how many documents match, but for those that may match by what was not indexed.

        A search of its own, that ends at COUNTED: counting makes one for hits visit all that match.
        """
        body = self._body(asked, narrowing, snapshot)
        body = {
            "size": 0,
            "track_total_hits": COUNTED,
            "query": filtered([body["query"], nothing_ignored(asked.query.clauses)]),
        }
        answer = await self._cluster.search_snapshot(
            body, snapshot.pit, index=self._source.index, paging=False
        )
        return answer.total

    def _records(
        self, asked: _List, snapshot: Snapshot, answer: Answer
    ) -> tuple[list[Record], bool]:
        fields = self._source.timestamp_fields
        found = []
        for hit in answer.hits[: asked.limit]:
            if self._filter.holds(hit.document):
                record = record_of(hit, fields)
                shown = snapshot.shows(hit, record.time_us, self._overlap_us)
                if shown and _in_range(asked.query, record.time_us):
                    found.append(record)
        return found, len(answer.hits) > asked.limit

    def _body(self, asked: _List, narrowing: Narrowing, snapshot: Snapshot) -> Body:
        queries = list(narrowing.queries)
        if asked.query.id is not None:
            queries.append(with_id(asked.query.id))
        body: Body = {
            "size": asked.limit + 1,
            "sort": sort_of(self._source.timestamp_fields, snapshot.nanos),
            "track_total_hits": False,
            "version": True,
        }
        if snapshot.at is not None:
            queries.append(seen_query(snapshot.at))
            body["seq_no_primary_term"] = True
            body["explain"] = needs_shards_told(snapshot.at)
        if snapshot.beyond is not None:
            fields = self._source.timestamp_fields
            queries.append(unseen_query(snapshot.beyond, fields, self._overlap_us))
        body["query"] = filtered(queries)
        return body


def _page(found: _Found, snapshot: Snapshot, warnings: tuple[str, ...]) -> Page:
    text = attrs.evolve(snapshot, pit=found.pit).encode()
    return Page(
        records=found.records, snapshot=text, more=found.more, warnings=warnings, total=found.total
    )


def _in_range(query: Query, time_us: int) -> bool:
    if query.since_us is not None and time_us < query.since_us:
        return False
    return query.until_us is None or time_us < query.until_us
