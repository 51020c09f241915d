"""Where in the numbers of each shard a moment was: for watches that another process began.

Elasticsearch keeps no time of arrival, only of events. A shard's documents arrive in the order of
their numbers, and most of them soon after their event: so the first number with an event time
after the moment arrived after it. What stands before that number and is late itself may have
arrived after the moment too, if all else was quiet: the position ends at the newest document
before the moment instead.
"""

from typing import Any

from kjournal.codec import MICROSECONDS
from kjournal.errors import StoreRejected
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.failures import shape_error
from kjournal.store.elasticsearch.layout import LayoutReader, having, searchable
from kjournal.store.elasticsearch.matching import in_index, numbered, timed
from kjournal.store.elasticsearch.numbers import NumberReader
from kjournal.store.elasticsearch.position import (
    SETTLE_DEPTH,
    ElasticsearchPosition,
    ShardKey,
    ShardPosition,
)
from kjournal.store.interfaces import Source

# How late shippers are is told by the newest document. One that is older tells of silence.
_LATEST_S = 15 * 60


class Arrivals:
    """Finds positions by time in one source's indices."""

    def __init__(self, cluster: Cluster, source: Source, layouts: LayoutReader) -> None:
        self._cluster, self._source, self._layouts = cluster, source, layouts
        self._fields = source.timestamp_fields

    async def before(self, time_us: int) -> ElasticsearchPosition:
        """Return a position that has seen nothing that arrived after a time. Raises: StoreError."""
        layout = await self._layouts.read()
        pattern = searchable(self._source.index, layout)
        shards: dict[ShardKey, ShardPosition] = {}
        for number in range(max((place.shards or 1 for place in layout.values()), default=0)):
            names = having(layout, number)
            marks = await self._marks_or_ends(pattern, names, number, time_us) if names else {}
            for name, mark in marks.items():
                shards[layout[name].identity, number] = ShardPosition(settled=mark)
        horizons = {place.identity: time_us for place in layout.values() if not place.numbered}
        return ElasticsearchPosition(layout=layout, shards=shards, horizons=horizons)

    async def _marks_or_ends(
        self, pattern: str, names: list[str], number: int, time_us: int
    ) -> dict[str, int]:
        try:
            return await self._marks(pattern, names, number, time_us)
        except StoreRejected:  # the event time is no date in some mapping
            return await self._ends(pattern, names, number)

    async def _ends(self, pattern: str, names: list[str], number: int) -> dict[str, int]:
        """Return marks where nothing tells the time: the last numbers are given again."""
        tops = await NumberReader(self._cluster, pattern).tops(names, number)
        return {
            name: top - SETTLE_DEPTH for name, top in (tops or {}).items() if top >= SETTLE_DEPTH
        }

    async def _marks(
        self, pattern: str, names: list[str], number: int, time_us: int
    ) -> dict[str, int]:
        """Return the settled marks of the shards of one number, by index."""
        now_us = int(self._cluster.clock.seconds() * MICROSECONDS)
        newest = await self._newest(pattern, names, number, now_us)
        bounds = {}
        for name in names:
            late_us = now_us - newest.get(name, 0)
            bounds[name] = time_us - min(max(late_us, 0), _LATEST_S * MICROSECONDS)
        firsts = await self._ask(
            pattern,
            number,
            {name: timed(self._fields, gt=bounds[name], lte=now_us) for name in names},
            {"found": {"min": {"field": "_seq_no"}}},
        )
        earlier = {
            name: _older(self._fields, bounds[name], firsts[name]["found"].get("value"))
            for name in names
        }
        ends = await self._ask(pattern, number, earlier, _newest_hit(self._fields))
        marks = {name: _number(one) for name, one in ends.items()}
        known = {name: mark for name, mark in marks.items() if mark is not None}
        timeless = [name for name in names if name not in known and name not in newest]
        return {**known, **(await self._ends(pattern, timeless, number) if timeless else {})}

    async def _newest(
        self, pattern: str, names: list[str], number: int, now_us: int
    ) -> dict[str, int]:
        """Return the latest event time of each index that is not in the future."""
        past = {name: timed(self._fields, gt=0, lte=now_us) for name in names}
        maxima = {f"t{at}": {"max": {"field": field}} for at, field in enumerate(self._fields)}
        buckets = await self._ask(pattern, number, past, maxima)
        newest = {}
        for name, bucket in buckets.items():
            values = [bucket[key].get("value") for key in maxima]
            times = [int(value) * 1000 for value in values if value is not None]
            if times:
                newest[name] = min(max(times), now_us)
        return newest

    async def _ask(
        self, pattern: str, number: int, queries: dict[str, Body], aggregations: Body
    ) -> dict[str, Any]:
        """Return the aggregations over what matches in each index."""
        filters = {name: in_index(name, query) for name, query in queries.items()}
        body: Body = {
            "size": 0,
            "track_total_hits": False,
            "aggs": {"index": {"filters": {"filters": filters}, "aggs": aggregations}},
        }
        answer = await self._cluster.search(body, index=pattern, shard=number)
        try:
            buckets = answer.aggregations["index"]["buckets"]
            return {name: buckets[name] for name in queries}
        except (KeyError, TypeError) as error:
            raise shape_error() from error


def _older(fields: tuple[str, ...], until_us: int, first: float | None) -> Body:
    """Return what matches up to a time, below a number if there is one."""
    query: Body = {
        "bool": {"filter": [timed(fields, gte=0)], "must_not": [timed(fields, gt=until_us)]}
    }
    if first is not None:
        query["bool"]["filter"].append(numbered(lt=int(first)))
    return query


def _newest_hit(fields: tuple[str, ...]) -> Body:
    order = {"order": "desc", "missing": "_last", "unmapped_type": "date"}
    return {
        "found": {
            "top_hits": {
                "size": 1,
                "sort": [{field: order} for field in fields],
                "_source": False,
                "seq_no_primary_term": True,
            }
        }
    }


def _number(bucket: Body) -> int | None:
    try:
        hits = bucket["found"]["hits"]["hits"]
        return int(hits[0]["_seq_no"]) if hits else None
    except (KeyError, TypeError, ValueError) as error:
        raise shape_error() from error
