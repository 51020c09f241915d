"""One kind's records in Elasticsearch."""

from contextlib import suppress

from zope.interface import implementer

from kjournal.codec import dump_json, load_json
from kjournal.errors import CursorExpired, StoreError, StoreRejected
from kjournal.query.model import Batch, Page, PageStart, Position, Query, Record
from kjournal.store.elasticsearch.arrivals import Arrivals
from kjournal.store.elasticsearch.caps import CapabilityCache
from kjournal.store.elasticsearch.cluster import Cluster
from kjournal.store.elasticsearch.filters import SourceFilter
from kjournal.store.elasticsearch.hits import record_of
from kjournal.store.elasticsearch.layout import LayoutReader
from kjournal.store.elasticsearch.listing import Listing
from kjournal.store.elasticsearch.matching import with_id
from kjournal.store.elasticsearch.position import ElasticsearchPosition
from kjournal.store.elasticsearch.snapshot import Snapshot
from kjournal.store.elasticsearch.tailing import Tailing
from kjournal.store.interfaces import IStore, Source

_MOST_WITH_ONE_ID = 10_000


@implementer(IStore)
class ElasticsearchStore:
    """What an index pattern holds of one kind."""

    def __init__(
        self, cluster: Cluster, caps: CapabilityCache, source: Source, overlap_s: float
    ) -> None:
        self._cluster = cluster
        self._source = source
        self._filter = SourceFilter.of(source)
        layouts = LayoutReader(cluster, source.index)
        self._listing = Listing(cluster, caps, source, layouts, overlap_s)
        self._tailing = Tailing(cluster, source, layouts, overlap_s)
        self._arrivals = Arrivals(cluster, source, layouts)

    async def list_page(
        self,
        query: Query,
        *,
        limit: int,
        at: Position | None = None,
        beyond: Position | None = None,
        after: PageStart | None = None,
    ) -> Page:
        """Return the first `limit` records after `after`, oldest event time first."""
        return await self._listing.page(
            query,
            limit=limit,
            at=None if at is None else _own(at),
            beyond=None if beyond is None else _own(beyond),
            after=after,
        )

    async def get_records(self, id: str) -> list[Record]:
        """Return the records with that id, one for each index that has one."""
        body = {
            "query": with_id(id),
            "size": _MOST_WITH_ONE_ID,
            "sort": [{"_index": {"order": "asc", "unmapped_type": "keyword"}}],
            "version": True,
            "track_total_hits": False,
        }
        answer = await self._cluster.search(body, index=self._source.index)
        return [
            record_of(hit, self._source.timestamp_fields)
            for hit in answer.hits
            if self._filter.holds(hit.document)
        ]

    async def poll(self, position: Position | None) -> Batch:
        """Return what became visible after `position`; with None, only a position to start."""
        if position is None:
            return await self._tailing.start()
        return await self._tailing.next(_own(position))

    async def position_before(self, time_us: int) -> Position:
        """Return a position that has seen nothing that became visible after a time."""
        return Position(await self._arrivals.before(time_us))

    def position_text(self, position: Position) -> str:
        """Return a position as JSON."""
        return dump_json(_own(position).encode()).decode()

    def position_of(self, text: str) -> Position:
        """Return the position of such JSON. Raises: CursorExpired for anything else."""
        try:
            return Position(ElasticsearchPosition.decode(load_json(text)))
        except (ValueError, TypeError, KeyError) as error:
            raise CursorExpired("a kept position cannot be read") from error

    async def release(self, snapshot: str) -> None:
        """Give up a snapshot early; what fails here, the store does itself, minutes later."""
        with suppress(StoreError):
            await self._cluster.close_snapshot(Snapshot.decode(snapshot).pit)


def _own(position: Position) -> ElasticsearchPosition:
    if not isinstance(position, ElasticsearchPosition):
        raise StoreRejected("the position is another store's")
    return position
