"""Polls: what became visible since a position, each document once."""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from kjournal.errors import StoreAnswerTooLarge
from kjournal.query.model import Batch, Position, Record
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.filters import SourceFilter
from kjournal.store.elasticsearch.hits import Answer, Hit, record_of
from kjournal.store.elasticsearch.horizon import INEXACT, HorizonReader, Seen
from kjournal.store.elasticsearch.layout import LayoutReader, having, searchable
from kjournal.store.elasticsearch.listing import NOTHING
from kjournal.store.elasticsearch.matching import in_index
from kjournal.store.elasticsearch.numbers import NumberReader, by_number, new_query, pair_of
from kjournal.store.elasticsearch.position import (
    ElasticsearchPosition,
    Layout,
    Pair,
    ShardKey,
    ShardPosition,
    unchanged,
)
from kjournal.store.elasticsearch.settling import Settling
from kjournal.store.interfaces import Source

_MOST = 10_000
# What moved lately may still be unlike in other copies of a shard.
_FRESH_S = 60.0


@attrs.define
class _Round:
    """What the searches of one poll have found so far, by index."""

    shards: dict[tuple[str, int], ShardPosition] = attrs.field(factory=dict)
    hits: list[Hit] = attrs.field(factory=list)
    horizons: dict[str, int] = attrs.field(factory=dict)
    seen: dict[str, Seen] = attrs.field(factory=dict)
    more: bool = False
    asked: int = 0


class Tailing:
    """The poller of one source."""

    def __init__(
        self, cluster: Cluster, source: Source, layouts: LayoutReader, overlap_s: float
    ) -> None:
        self._cluster = cluster
        self._source = source
        self._layouts = layouts
        self._filter = SourceFilter.of(source)
        self._settling = Settling(cluster, source.index, layouts)
        self._by_time = HorizonReader(cluster, source.timestamp_fields, overlap_s)
        self._overlap_s = overlap_s
        self._moved_s: dict[ShardKey, float] = {}
        self._busy = False
        self._page = source.max_page

    async def start(self) -> Batch:
        """Return the position of what is visible now, without records."""
        layout = await self._layouts.read()
        found = _Round()
        numbers = NumberReader(self._cluster, searchable(self._source.index, layout))
        number = 0
        while names := having(layout, number):
            shards = await numbers.visible_now(names, number)
            if shards is None:
                break
            found.shards.update({(index, number): shard for index, shard in shards.items()})
            number += 1
        before = ElasticsearchPosition(layout=layout, shards={})
        await self._read_by_time(before, found, begins=True)
        return await self._batch(found, before)

    async def next(self, position: ElasticsearchPosition) -> Batch:
        """Return what became visible after a position.

        Nothing new costs one search for each shard number, and one look at the indices.
        """
        position = await self._settling.with_readings(position)
        found = _Round()
        number = 0
        while names := having(position.layout, number):
            if not await self._read(position, names, number, found):
                break
            number += 1
        await self._read_by_time(position, found)
        self._busy = bool(found.hits)
        return await self._batch(found, position)

    async def _read_by_time(
        self, position: ElasticsearchPosition, found: _Round, *, begins: bool = False
    ) -> None:
        """Read those indices whose numbers cannot be searched. One that is new is read whole."""
        for name in position.unnumbered:
            identity = position.layout[name].identity
            horizon_us = 0 if begins else position.horizons.get(identity, 1)
            progress = await self._by_time.read(name, identity, horizon_us)
            found.hits += progress.hits
            found.horizons[identity] = progress.horizon_us
            found.seen[identity] = progress.seen
            found.more |= progress.more

    async def _read(
        self, position: ElasticsearchPosition, names: list[str], number: int, found: _Round
    ) -> bool:
        """Read what is new in the shards of one number; False if there are none."""
        before = {name: position.shard(name, number) for name in names}
        index = searchable(self._source.index, position.layout)
        answer, full = await self._page_of(before, index, number)
        if number == 0:
            found.asked = answer.shards + len(position.unnumbered)
        if not answer.shards:
            return False
        found.more |= full
        by_index: dict[str, list[Hit]] = {name: [] for name in names}
        for hit in answer.hits:
            by_index.get(hit.index, []).append(hit)
        for name, hits in by_index.items():
            found.hits += _unseen(before[name], hits)
            pairs = list(map(pair_of, hits))
            shard, top = before[name].learned(pairs), max(pairs, default=None)
            if not full or shard.judges(top):
                if shard.trusts(top):
                    shard = shard.advanced(pairs)
                else:
                    shard = await self._reread(shard, (name, number), index, found)
                shard = self._settling.by_depth(shard, position.layout[name], number)
            # One value serves all positions of a shard in which nothing happens.
            found.shards[name, number] = before[name] if shard == before[name] else shard
        return True

    async def _page_of(
        self, before: Mapping[str, ShardPosition], index: str, number: int
    ) -> tuple[Answer, bool]:
        """Return the first of what is new, and whether it is not all.

        Where documents are so big that a page of them is too much, it asks for less, and after
        that for more again.
        """
        while True:
            size = min(self._page + len(before), _MOST)
            try:
                answer = await self._new(before, _page_body(new_query(before), size), index, number)
            except StoreAnswerTooLarge:
                if self._page == 1:
                    raise
                self._page //= 2
                continue
            full = len(answer.hits) >= size
            if full:
                self._page = min(self._page * 2, self._source.max_page)
            return answer, full

    async def _new(
        self, before: Mapping[str, ShardPosition], body: Body, index: str, number: int
    ) -> Answer:
        """Return what is new, and each shard's witness.

        A tail that is idle asks without documents first: most polls of most tails find nothing.
        """
        if not self._busy:
            answer = await self._cluster.search(
                {**body, "_source": False}, index=index, shard=number
            )
            unseen = (
                _unseen(before[hit.index], [hit]) for hit in answer.hits if hit.index in before
            )
            if not any(unseen):
                return answer
        return await self._cluster.search(body, index=index, shard=number)

    async def _reread(
        self, shard: ShardPosition, key: tuple[str, int], index: str, found: _Round
    ) -> ShardPosition:
        """Read a shard above its settled mark, known numbers too: they may have a new document.

        That is so after a crash; it also looks so when the highest document is updated or deleted.
        Several views are read here, so that none of them proves a checkpoint.
        """
        shard = attrs.evolve(shard, reading=None)
        name, number = key
        visible = await NumberReader(self._cluster, index).above(shard.settled, name, number)
        unseen = sorted(pair for pair in visible if not shard.saw(pair))
        wanted = unseen[: self._page]
        if wanted:
            body = _page_body(_numbered(name, wanted), _MOST)
            answer = await self._cluster.search(body, index=index, shard=number)
            fresh = _unseen(shard, answer.hits)
            found.hits += fresh
            shard = shard.learned(map(pair_of, fresh))
        if len(wanted) < len(unseen):
            found.more = True
            return shard
        return shard.doubting(visible).confirmed(max(visible, default=None))

    async def _batch(self, found: _Round, position: ElasticsearchPosition) -> Batch:
        """Return what was found in those indices that were the same all the while."""
        before, after = position.layout, await self._layouts.read()
        same = unchanged(before, after)
        # An index that is closed, and so in no list, comes again as a whole when it is opened: who
        # listed meanwhile has nothing of it.
        kept = {place.identity for place in after.values()}
        shards = {key: shard for key, shard in position.shards.items() if key[0] in kept}
        for (name, number), shard in found.shards.items():
            if name in same:
                shards[after[name].identity, number] = shard
        horizons = {**position.horizons, **found.horizons}
        horizons = {key: time for key, time in horizons.items() if key in kept}
        if before == after and found.asked > len(after):
            self._layouts.doubt()
        self._by_time.remember(found.seen)
        reached = ElasticsearchPosition(
            layout=before if before == after else after,
            shards=shards,
            horizons=horizons,
            fresh=self._fresh(found, position, after),
        )
        return Batch(
            records=self._records(hit for hit in found.hits if hit.index in same),
            position=Position(reached),
            more=found.more or bool(after.keys() - same),
            warnings=tuple(self._warnings(reached)),
            unsettled=sum(shard.unsettled for shard in shards.values()),
            inexact=len(reached.unnumbered),
        )

    def _fresh(
        self, found: _Round, position: ElasticsearchPosition, after: Layout
    ) -> frozenset[ShardKey]:
        """Return the shards in which something was found lately."""
        now_s = self._cluster.clock.seconds()
        for (name, number), shard in found.shards.items():
            if name in after and shard.witness != position.witness(name, number):
                self._moved_s[after[name].identity, number] = now_s
        self._moved_s = {
            key: at_s for key, at_s in self._moved_s.items() if now_s - at_s < _FRESH_S
        }
        return frozenset(self._moved_s)

    def _warnings(self, position: ElasticsearchPosition) -> Iterator[str]:
        if not position.layout:
            yield NOTHING.format(index=self._source.index)
        for name in position.unnumbered:
            yield INEXACT.format(name=name, overlap=self._overlap_s)

    def _records(self, hits: Iterable[Hit]) -> list[Record]:
        fields = self._source.timestamp_fields
        records = [record_of(hit, fields) for hit in hits if self._filter.holds(hit.document)]
        return sorted(records, key=lambda record: record.time_us)


def _unseen(shard: ShardPosition, hits: Iterable[Hit]) -> list[Hit]:
    return [hit for hit in hits if not shard.saw(pair_of(hit))]


def _numbered(index: str, pairs: list[Pair]) -> Body:
    return in_index(index, {"terms": {"_seq_no": [number for number, _ in pairs]}})


def _page_body(query: Body, size: int) -> Body:
    return {
        "size": size,
        "query": query,
        "sort": by_number("asc"),
        "seq_no_primary_term": True,
        "version": True,
        "track_total_hits": False,
    }
