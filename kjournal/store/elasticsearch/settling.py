"""What moves settled marks: global checkpoints where primaries tell them, else a depth."""

import attrs
from twisted.logger import Logger

from kjournal.store.elasticsearch.cluster import Cluster
from kjournal.store.elasticsearch.layout import LayoutReader
from kjournal.store.elasticsearch.position import (
    SETTLE_DEPTH,
    ElasticsearchPosition,
    IndexPlace,
    ShardKey,
    ShardPosition,
)

_UNREADABLE = (
    "kjournal may not read the global checkpoints of {index} (privilege monitor): what becomes "
    "visible more than {depth} numbers late is missed"
)


class Settling:
    """Reads checkpoints for the positions of one pattern, when there is much to settle."""

    _log = Logger()

    def __init__(self, cluster: Cluster, index: str, layouts: LayoutReader) -> None:
        self._cluster, self._index, self._layouts = cluster, index, layouts
        self._checkpoints_readable = True
        self._untold: set[ShardKey] = set()

    async def with_readings(self, position: ElasticsearchPosition) -> ElasticsearchPosition:
        """Read what the primaries say, if much is unsettled: views opened later will prove it."""
        alive = {place.identity for place in position.layout.values()}
        wanting = [
            key
            for key, shard in position.shards.items()
            if shard.wants_reading and key[0] in alive and key not in self._untold
        ]
        if not wanting or not self._checkpoints_readable:
            return position
        readings = await self._cluster.checkpoints(self._index)
        if readings is None:
            self._checkpoints_readable = False
            self._tell_unreadable(self._index)
            return position
        shards = dict(position.shards)
        for key in wanting:
            if key in readings:
                shards[key] = shards[key].read(readings[key])
        await self._note_untold({key for key in wanting if key not in readings})
        return attrs.evolve(position, shards=shards)

    async def _note_untold(self, keys: set[ShardKey]) -> None:
        """Settle those by depth of which nothing is told, though their indices are there."""
        if not keys:
            return
        there = {place.identity for place in (await self._layouts.read()).values()}
        untold = {key for key in keys if key[0] in there}
        if untold:
            self._untold |= untold
            self._tell_unreadable(f"some of {self._index}")

    def _tell_unreadable(self, index: str) -> None:
        text = _UNREADABLE.format(index=index, depth=SETTLE_DEPTH)
        self._log.warn("{text}", text=text)

    def by_depth(self, shard: ShardPosition, place: IndexPlace, number: int) -> ShardPosition:
        """Settle by depth where the primaries do not tell their checkpoints."""
        told = self._checkpoints_readable and (place.identity, number) not in self._untold
        if told or shard.witness is None:
            return shard
        return shard.settle(shard.witness[0] - SETTLE_DEPTH)
