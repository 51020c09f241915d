"""Which sequence numbers are visible, read without their documents."""

from collections.abc import Mapping
from typing import Any

from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.failures import shape_error
from kjournal.store.elasticsearch.hits import Hit
from kjournal.store.elasticsearch.position import (
    SETTLE_DEPTH,
    Numbers,
    Pair,
    ShardPosition,
)

_PAGE = 10_000
_MOST_SPANS = 64
_TERMS = 50_000


class NumberReader:
    """Reads visible numbers and their terms in the shards of one pattern."""

    def __init__(self, cluster: Cluster, index: str) -> None:
        self._cluster = cluster
        self._index = index

    async def above(self, mark: int, index: str, number: int) -> list[Pair]:
        """Return the pairs above `mark` that are visible in one shard of one index."""
        wanted = _range(index, mark, None)
        return [pair for _, pair in await self._pairs(wanted, number)]

    async def visible_now(self, indices: list[str], number: int) -> dict[str, ShardPosition] | None:
        """Return a position for each index that has documents in the shard of this number.

        None: no index has such a shard.
        """
        tops = await self._tops(indices, number)
        if tops is None:
            return None
        marks = {index: max(-1, top[0] - SETTLE_DEPTH) for index, top in tops.items()}
        ranges = {index: _range(index, marks[index], tops[index][0]) for index in tops}
        known = await self._whole(ranges, marks, tops, number) if tops else {}
        rest = [ranges[index] for index in tops if index not in known]
        pairs: dict[str, list[Pair]] = {index: [] for index in tops if index not in known}
        if rest:
            for index, pair in await self._pairs(_either(rest), number):
                pairs[index].append(pair)
        known |= {
            index: ShardPosition(settled=marks[index]).learned(those)
            for index, those in pairs.items()
        }
        return {
            index: shard.confirmed(_highest(pairs.get(index), tops[index]))
            for index, shard in known.items()
        }

    async def _tops(self, indices: list[str], number: int) -> dict[str, Pair] | None:
        """Return the highest visible pair of each index."""
        answer = await self._cluster.search(
            {
                "size": 0,
                "query": {"match_all": {}},
                "aggs": {"index": _by_index(len(indices), {"top": _end("desc")})},
            },
            index=self._index,
            shard=number,
        )
        if not answer.shards:
            return None
        found = {key: _pair(bucket["top"]) for key, bucket in _buckets(answer.aggregations)}
        return {index: pair for index, pair in found.items() if index in indices}

    async def _whole(
        self,
        ranges: Mapping[str, Body],
        marks: Mapping[str, int],
        tops: Mapping[str, Pair],
        number: int,
    ) -> dict[str, ShardPosition]:
        """Return positions where nothing is missing and all terms are equal: most indices.

        A visible number's term is never below that of a lower one, so its ends tell them.
        """
        answer = await self._cluster.search(
            {
                "size": 0,
                "query": _either(ranges.values()),
                "track_total_hits": False,
                "aggs": {"index": _by_index(len(ranges), {"low": _end("asc")})},
            },
            index=self._index,
            shard=number,
        )
        whole = {}
        for index, bucket in _buckets(answer.aggregations):
            if index not in tops:
                continue
            (top, term), mark = tops[index], marks[index]
            if bucket["doc_count"] == top - mark and _pair(bucket["low"]) == (mark + 1, term):
                known = {term: Numbers(((mark + 1, top),))}
                whole[index] = ShardPosition(settled=mark, known=known)
        return whole

    async def _pairs(self, query: Body, number: int) -> list[tuple[str, Pair]]:
        """Return all visible pairs that match, with their index."""
        body: Body = {
            "size": _PAGE,
            "query": query,
            "sort": ["_index", *by_number("asc")],
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
    return _either([_new_in(index, shard) for index, shard in shards.items()])


def _new_in(index: str, shard: ShardPosition) -> Body:
    known = shard.numbers.without(shard.witness[0]) if shard.witness else Numbers()
    query = _range(index, shard.settled, None)
    if len(known.spans) <= _MOST_SPANS:
        query["bool"]["must_not"] = [
            {"range": {"_seq_no": {"gte": first, "lte": last}}} for first, last in known.spans
        ]
        return query
    # With many holes it is cheaper to name them: they, and what is above all that is known.
    missing = list(known.holes(shard.settled))
    should: list[Body] = [{"range": {"_seq_no": {"gt": known.top}}}]
    for at in range(0, len(missing), _TERMS):
        should.append({"terms": {"_seq_no": missing[at : at + _TERMS]}})
    return {"bool": {"filter": [{"term": {"_index": index}}, _either(should)]}}


def _range(index: str, above: int, top: int | None) -> Body:
    bounds = {"gt": above} if top is None else {"gt": above, "lte": top}
    return {"bool": {"filter": [{"term": {"_index": index}}, {"range": {"_seq_no": bounds}}]}}


def _either(queries: Any) -> Body:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


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


def _highest(read: list[Pair] | None, top: Pair) -> Pair | None:
    """Return the witness: of what was read, or the top where all was there."""
    return top if read is None else max(read, default=None)
