"""Pages of a list: one point in time, ordered by event time, at a position if asked."""

from contextlib import suppress

import attrs

from kjournal.errors import StoreError, StoreRejected, StoreUnavailable
from kjournal.query.model import Page, PageStart, Query, Record
from kjournal.store.elasticsearch.caps import Capabilities, CapabilityCache
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.dsl import (
    Dsl,
    Narrowing,
    filtered,
    nanos_needed,
    narrowing_of,
    sort_of,
)
from kjournal.store.elasticsearch.filters import SourceFilter
from kjournal.store.elasticsearch.hits import Answer, Hit, record_of
from kjournal.store.elasticsearch.position import ElasticsearchPosition
from kjournal.store.elasticsearch.snapshot import Snapshot, ranks_of, unseen_of
from kjournal.store.interfaces import Source

# One more than a page is fetched, and index.max_result_window is 10,000.
_MOST = 9_999
_OPENINGS = 5
NOTHING = 'no index matches "{index}"'


@attrs.frozen(kw_only=True)
class _List:
    """What is the same for all pages of one list."""

    query: Query
    at: ElasticsearchPosition | None
    limit: int


@attrs.frozen(kw_only=True)
class _Found:
    """One page's hits, and whether others follow."""

    records: list[Record]
    pit: str
    more: bool


class Listing:
    """Lists of one source."""

    def __init__(self, cluster: Cluster, caps: CapabilityCache, source: Source) -> None:
        self._cluster = cluster
        self._caps = caps
        self._source = source
        self._filter = SourceFilter.of(source)

    async def page(
        self,
        query: Query,
        *,
        limit: int,
        at: ElasticsearchPosition | None,
        after: PageStart | None,
    ) -> Page:
        """Return a page as IStore.list_page says."""
        limit = max(1, min(limit, self._source.max_page, _MOST))
        asked = _List(query=self._filter.narrowed(query), at=at, limit=limit)
        if after is not None:
            return await self._continued(asked, after)
        return await self._first(asked)

    async def _continued(self, asked: _List, after: PageStart) -> Page:
        snapshot = Snapshot.decode(after.snapshot)
        narrowing = Narrowing((), ())
        if not snapshot.plain:
            caps = await self._capabilities(asked, -1)
            narrowing = narrowing_of(asked.query, self._source.timestamp_fields, caps)
        found = await self._found(asked, narrowing, snapshot, after.after)
        return _page(found, snapshot, narrowing.warnings)

    async def _first(self, asked: _List) -> Page:
        snapshot, shards = await self._opened(asked.at)
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
                found = await self._found(asked, narrowing, snapshot, ())
            except StoreRejected:
                if not narrowing.queries:
                    raise
                # A mapping that does not understand its own kind of query; the caller filters.
                narrowing = attrs.evolve(narrowing, queries=())
                snapshot = attrs.evolve(snapshot, plain=True)
                found = await self._found(asked, narrowing, snapshot, ())
        except StoreError:
            await self._close(snapshot.pit)
            raise
        return _page(found, snapshot, narrowing.warnings)

    async def _opened(self, at: ElasticsearchPosition | None) -> tuple[Snapshot, int]:
        """Return a new snapshot and the number of its shards.

        The shards of a hit can only be told if the indices are known that the point in time was
        opened on: those that were there both before and after.
        """
        if at is None:
            pit, shards = await self._cluster.open_snapshot(self._source.index)
            return Snapshot(pit=pit), shards
        before = at.layout
        for _ in range(_OPENINGS):
            pit, shards = await self._cluster.open_snapshot(self._source.index)
            try:
                after = await self._cluster.layout(self._source.index)
            except StoreError:
                await self._close(pit)
                raise
            ranks = ranks_of(after)
            if before == after or not (ranks or ranks_of(before)):
                return Snapshot(pit=pit, ranks=ranks, unseen=unseen_of(at.layout, after)), shards
            await self._close(pit)
            before = after
        raise StoreUnavailable("indices come and go faster than they can be listed")

    async def _close(self, pit: str) -> None:
        """Close a point in time; what fails here, the store does by itself some minutes later."""
        with suppress(StoreError):
            await self._cluster.close_snapshot(pit)

    async def _capabilities(self, asked: _List, shards: int) -> Capabilities:
        paths = {path for clause in asked.query.clauses for path in clause.paths}
        paths.update(self._source.timestamp_fields)
        return await self._caps.of(self._source.index, paths, shards)

    async def _found(
        self, asked: _List, narrowing: Narrowing, snapshot: Snapshot, after: tuple[object, ...]
    ) -> _Found:
        """Return records from `after` on: some, unless there are no more."""
        pit = snapshot.pit
        while True:
            body = self._body(asked, narrowing, snapshot)
            if after:
                body["search_after"] = list(after)
            answer = await self._cluster.search_snapshot(
                body,
                pit,
                index=self._source.index,
                paging=bool(after),
                ranked=bool(snapshot.ranks),
            )
            if snapshot.ranks and answer.skipped:
                raise StoreUnavailable("Elasticsearch does not tell the shards of records")
            pit = answer.pit_id or pit
            records, more = self._records(asked, snapshot, answer)
            if records or not more:
                return _Found(records=records, pit=pit, more=more)
            after = answer.hits[asked.limit - 1].sort

    def _records(
        self, asked: _List, snapshot: Snapshot, answer: Answer
    ) -> tuple[list[Record], bool]:
        def wanted(hit: Hit) -> bool:
            seen = asked.at is None or snapshot.shows(hit, asked.at)
            return seen and self._filter.holds(hit.document)

        hits = filter(wanted, answer.hits[: asked.limit])
        records = [record_of(hit, self._source.timestamp_fields) for hit in hits]
        within = [record for record in records if _in_range(asked.query, record.time_us)]
        return within, len(answer.hits) > asked.limit

    def _body(self, asked: _List, narrowing: Narrowing, snapshot: Snapshot) -> Body:
        queries = list(narrowing.queries)
        body: Body = {
            "size": asked.limit + 1,
            "sort": sort_of(self._source.timestamp_fields, snapshot.nanos),
            "track_total_hits": False,
            "version": True,
        }
        if asked.at is not None:
            queries.append(_seen_query(asked.at))
            body["seq_no_primary_term"] = True
            body["explain"] = _needs_shards_told(asked.at)
        body["query"] = filtered(queries)
        return body


def _page(found: _Found, snapshot: Snapshot, warnings: tuple[str, ...]) -> Page:
    text = attrs.evolve(snapshot, pit=found.pit).encode()
    return Page(records=found.records, snapshot=text, more=found.more, warnings=warnings)


def _in_range(query: Query, time_us: int) -> bool:
    if query.since_us is not None and time_us < query.since_us:
        return False
    return query.until_us is None or time_us < query.until_us


def _seen_query(at: ElasticsearchPosition) -> Dsl:
    """Return what matches all that a position has seen; each hit is looked at again."""
    should = [
        {"bool": {"filter": [{"term": {"_index": index}}, {"range": {"_seq_no": {"lte": top}}}]}}
        for index, top in at.tops().items()
    ]
    return {"bool": {"should": should}} if should else {"match_none": {}}


def _needs_shards_told(at: ElasticsearchPosition) -> bool:
    """Return whether hits must say their shard: numbers of shards are not readable, and some > 0.

    An explanation says it, at some cost.
    """
    unknown = any(place.shards == 0 for place in at.layout.values())
    return unknown and any(number > 0 for _, number in at.shards)
