"""Which sequence numbers are visible, read without their documents."""

from collections.abc import Mapping

from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.failures import shape_error
from kjournal.store.elasticsearch.hits import Hit
from kjournal.store.elasticsearch.matching import either, in_index, numbered
from kjournal.store.elasticsearch.position import (
    SETTLE_DEPTH,
    Pair,
    ShardPosition,
)
from kjournal.store.elasticsearch.spans import Numbers

_PAGE = 2_000
_MOST_SPANS = 64
_TERMS = 50_000
# An index that has no mapping yet knows not even its own name.
_BY_INDEX: Body = {"_index": {"order": "asc", "unmapped_type": "keyword"}}


class NumberReader:
    """Reads visible numbers and their terms in the shards of one pattern."""

    def __init__(self, cluster: Cluster, index: str) -> None:
        self._cluster = cluster
        self._index = index

    async def above(self, mark: int, index: str, number: int) -> list[Pair]:
        """Return the pairs above `mark` that are visible in one shard of one index."""
        wanted = in_index(index, numbered(gt=mark))
        return [pair for _, pair in await self._pairs(wanted, number)]

    async def visible_now(self, indices: list[str], number: int) -> dict[str, ShardPosition] | None:
        """Return a position for each index that has documents in the shard of this number.

        None: no index has such a shard.
        """
        tops = await self.tops(indices, number)
        if not tops:
            return tops if tops is None else {}
        marks = {index: max(-1, top - SETTLE_DEPTH) for index, top in tops.items()}
        ranges = {
            index: in_index(index, numbered(gt=mark, lte=tops[index]))
            for index, mark in marks.items()
        }
        found = await self._whole(ranges, marks, tops, number)
        pairs: dict[str, list[Pair]] = {index: [] for index in tops if index not in found}
        if pairs:
            for index, pair in await self._pairs(either([ranges[one] for one in pairs]), number):
                pairs[index].append(pair)
        for index, those in pairs.items():
            shard = ShardPosition(settled=marks[index]).learned(those)
            found[index] = shard.confirmed(max(those, default=None))
        return found

    async def tops(self, indices: list[str], number: int) -> dict[str, int] | None:
        """Return the highest visible number of each index; by itself that needs no scan."""
        body = {"size": 0, "aggs": {"top": {"max": {"field": "_seq_no"}}}}
        answers = await self._cluster.search_each(body, indices, shard=number)
        if not any(answer.shards for answer in answers):
            return None
        tops = {}
        for index, answer in zip(indices, answers, strict=True):
            top = _max(answer.aggregations) if answer.shards else None
            if top is not None:
                tops[index] = top
        return tops

    async def _whole(
        self,
        ranges: Mapping[str, Body],
        marks: Mapping[str, int],
        tops: Mapping[str, int],
        number: int,
    ) -> dict[str, ShardPosition]:
        """Return positions where nothing is missing and all terms are equal: most indices.

        A visible number's term is never below that of a lower one, so its ends tell them.
        """
        ends = {"low": _end("asc"), "high": _end("desc")}
        answer = await self._cluster.search(
            {
                "size": 0,
                "query": either(ranges.values()),
                "track_total_hits": False,
                "aggs": {"index": _by_index(len(ranges), ends)},
            },
            index=self._index,
            shard=number,
        )
        whole = {}
        for index, bucket in _buckets(answer.aggregations):
            if index not in tops:
                continue
            mark, top = marks[index], tops[index]
            low, high = _pair(bucket["low"]), _pair(bucket["high"])
            complete = bucket["doc_count"] == top - mark and (low[0], high[0]) == (mark + 1, top)
            if complete and low[1] == high[1]:
                known = {high[1]: Numbers(((mark + 1, top),))}
                whole[index] = ShardPosition(settled=mark, known=known).confirmed(high)
        return whole

    async def _pairs(self, query: Body, number: int) -> list[tuple[str, Pair]]:
        """Return all visible pairs that match, with their index."""
        body: Body = {
            "size": _PAGE,
            "query": query,
            "sort": [_BY_INDEX, *by_number("asc")],
            "_source": False,
            "seq_no_primary_term": True,
            "track_total_hits": False,
        }
        pairs: list[tuple[str, Pair]] = []
        while True:
            answer = await self._cluster.search(body, index=self._index, shard=number)
            pairs += [(hit.index, pair_of(hit)) for hit in answer.hits]
            if len(answer.hits) < _PAGE:
                return pairs
            body["search_after"] = list(answer.hits[-1].sort)


def pair_of(hit: Hit) -> Pair:
    """Return a hit's sequence number and primary term."""
    return hit.seq_no, hit.term


def by_number(order: str) -> list[Body]:
    """Return the order of numbers. An index that has no mapping yet does not know them."""
    return [{"_seq_no": {"order": order, "unmapped_type": "long"}}]


def new_query(shards: Mapping[str, ShardPosition]) -> Body:
    """Return what matches all that was not seen, and each shard's witness."""
    return either([_new_in(index, shard) for index, shard in shards.items()])


def _new_in(index: str, shard: ShardPosition) -> Body:
    known = shard.vouched
    query = in_index(index, numbered(gt=shard.settled))
    if len(known.spans) <= _MOST_SPANS:
        query["bool"]["must_not"] = [numbered(gte=first, lte=last) for first, last in known.spans]
        return query
    # With many holes it is cheaper to name them: they, and what is above all that is known.
    missing = list(known.holes(shard.settled))
    should = [numbered(gt=known.top)]
    for at in range(0, len(missing), _TERMS):
        should.append({"terms": {"_seq_no": missing[at : at + _TERMS]}})
    return in_index(index, either(should))


def _by_index(count: int, aggs: Body) -> Body:
    # The pattern may match more than the layout said; all of them get a bucket.
    return {"terms": {"field": "_index", "size": count + 1000}, "aggs": aggs}


def _end(order: str) -> Body:
    return {
        "top_hits": {
            "size": 1,
            "sort": by_number(order),
            "_source": False,
            "seq_no_primary_term": True,
        }
    }


def _buckets(aggregations: Body) -> list[tuple[str, Body]]:
    try:
        return [(str(bucket["key"]), bucket) for bucket in aggregations["index"]["buckets"]]
    except (KeyError, TypeError) as error:
        raise shape_error() from error


def _pair(end: Body) -> Pair:
    try:
        hit = end["hits"]["hits"][0]
        return int(hit["_seq_no"]), int(hit["_primary_term"])
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise shape_error() from error


def _max(aggregations: Body) -> int | None:
    try:
        value = aggregations["top"]["value"]
        return None if value is None else int(value)
    except (KeyError, TypeError, ValueError) as error:
        raise shape_error() from error
