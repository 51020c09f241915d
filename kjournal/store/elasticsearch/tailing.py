"""Polls: what became visible since a position, each document once."""

from collections.abc import Iterable

import attrs

from kjournal.query.model import Batch, Position, Record
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.filters import SourceFilter
from kjournal.store.elasticsearch.hits import Hit, record_of
from kjournal.store.elasticsearch.listing import NOTHING
from kjournal.store.elasticsearch.numbers import NumberReader, by_number, new_query, pair_of
from kjournal.store.elasticsearch.position import (
    ElasticsearchPosition,
    IndexPlace,
    Layout,
    Pair,
    ShardPosition,
    unchanged,
)
from kjournal.store.interfaces import Source

_MOST = 10_000
_UNDESCRIBED = (
    "some indices cannot be followed: kjournal's credentials may read them, but not their settings"
)


@attrs.define
class _Round:
    """What the searches of one poll have found so far, by index."""

    shards: dict[tuple[str, int], ShardPosition] = attrs.field(factory=dict)
    hits: list[Hit] = attrs.field(factory=list)
    more: bool = False
    asked: int = 0


class Tailing:
    """The poller of one source."""

    def __init__(self, cluster: Cluster, source: Source) -> None:
        self._cluster = cluster
        self._source = source
        self._filter = SourceFilter.of(source)
        self._numbers = NumberReader(cluster, source.index)

    async def start(self) -> Batch:
        """Return the position of what is visible now, without records."""
        layout = await self._cluster.layout(self._source.index)
        found = _Round()
        number = 0
        while names := _having(layout, number):
            shards = await self._numbers.visible_now(names, number)
            if shards is None:
                break
            found.shards.update({(index, number): shard for index, shard in shards.items()})
            number += 1
        return await self._batch(found, layout, ElasticsearchPosition(layout={}, shards={}))

    async def next(self, position: ElasticsearchPosition) -> Batch:
        """Return what became visible after a position.

        Nothing new costs one search for each shard number, and one look at the indices.
        """
        found = _Round()
        number = 0
        while names := _having(position.layout, number):
            if not await self._read(position, names, number, found):
                break
            number += 1
        return await self._batch(found, position.layout, position)

    async def _read(
        self, position: ElasticsearchPosition, names: list[str], number: int, found: _Round
    ) -> bool:
        """Read what is new in the shards of one number; False if there are none."""
        before = {name: position.shard(name, number) for name in names}
        size = min(self._source.max_page + len(names), _MOST)
        answer = await self._cluster.search(
            _page_body(new_query(before), size), index=self._source.index, shard=number
        )
        if number == 0:
            found.asked = answer.shards
        if not answer.shards:
            return False
        full = len(answer.hits) >= size
        found.more |= full
        by_index: dict[str, list[Hit]] = {name: [] for name in names}
        for hit in answer.hits:
            by_index.get(hit.index, []).append(hit)
        for name, hits in by_index.items():
            fresh = _unseen(before[name], hits)
            found.hits += fresh
            pairs = list(map(pair_of, hits))
            shard, top = before[name].learned(pairs), max(pairs, default=None)
            if not full or shard.judges(top):
                if shard.trusts(top):
                    shard = shard.advanced(pairs)
                else:
                    shard = await self._reread(shard, name, number, found)
            found.shards[name, number] = shard
        return True

    async def _reread(
        self, shard: ShardPosition, index: str, number: int, found: _Round
    ) -> ShardPosition:
        """Read a shard above its settled mark, known numbers too: they may have a new document.

        That is so after a crash; it also looks so when the highest document is updated or deleted.
        """
        visible = await self._numbers.above(shard.settled, index, number)
        unseen = sorted(pair for pair in visible if not shard.saw(pair))
        wanted = unseen[: self._source.max_page]
        if wanted:
            body = _page_body(_numbered(index, wanted), _MOST)
            answer = await self._cluster.search(body, index=self._source.index, shard=number)
            fresh = _unseen(shard, answer.hits)
            found.hits += fresh
            shard = shard.learned(map(pair_of, fresh))
        if len(wanted) < len(unseen):
            found.more = True
            return shard
        return shard.doubting(visible).confirmed(max(visible, default=None))

    async def _batch(self, found: _Round, before: Layout, position: ElasticsearchPosition) -> Batch:
        """Return what was found in those indices that were the same all the while."""
        after = await self._cluster.layout(self._source.index)
        same = unchanged(before, after)
        alive = {place.identity for place in after.values()}
        shards = {key: shard for key, shard in position.shards.items() if key[0] in alive}
        for (index, number), shard in found.shards.items():
            if index in same:
                shards[after[index].identity, number] = shard
        warnings = []
        if not after:
            warnings.append(NOTHING.format(index=self._source.index))
        elif before == after and found.asked > len(after):
            warnings.append(_UNDESCRIBED)
        return Batch(
            records=self._records(hit for hit in found.hits if hit.index in same),
            position=Position(ElasticsearchPosition(layout=after, shards=shards)),
            more=found.more or bool(after.keys() - same),
            warnings=tuple(warnings),
        )

    def _records(self, hits: Iterable[Hit]) -> list[Record]:
        fields = self._source.timestamp_fields
        records = [record_of(hit, fields) for hit in hits if self._filter.holds(hit.document)]
        return sorted(records, key=lambda record: record.time_us)


def _having(layout: Layout, number: int) -> list[str]:
    """Return the indices that have, or may have, a shard of this number."""
    return [name for name, place in layout.items() if _has(place, number)]


def _has(place: IndexPlace, number: int) -> bool:
    return place.shards == 0 or number < place.shards


def _unseen(shard: ShardPosition, hits: Iterable[Hit]) -> list[Hit]:
    return [hit for hit in hits if not shard.saw(pair_of(hit))]


def _numbered(index: str, pairs: list[Pair]) -> Body:
    numbers = {"terms": {"_seq_no": [number for number, _ in pairs]}}
    return {"bool": {"filter": [{"term": {"_index": index}}, numbers]}}


def _page_body(query: Body, size: int) -> Body:
    return {
        "size": size,
        "query": query,
        "sort": by_number("asc"),
        "seq_no_primary_term": True,
        "version": True,
        "track_total_hits": False,
    }
