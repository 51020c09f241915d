"""What positions have seen, as queries; and whether a point in time shows it."""

from collections.abc import Sequence

from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.matching import either, in_index, numbered, timed
from kjournal.store.elasticsearch.numbers import pair_of
from kjournal.store.elasticsearch.position import ElasticsearchPosition, Pair, ShardKey
from kjournal.store.elasticsearch.snapshot import Snapshot

_MOST_WITNESSES = 1000


def seen_query(at: ElasticsearchPosition) -> Body:
    """Return what matches all that a position has seen; each hit is looked at again."""
    should: list[Body] = [in_index(index, numbered(lte=top)) for index, top in at.tops().items()]
    if at.unnumbered:
        should.append({"terms": {"_index": at.unnumbered}})
    return either(should)


def unseen_query(beyond: ElasticsearchPosition, fields: Sequence[str], overlap_us: int) -> Body:
    """Return what matches all that a position has not seen; each hit is looked at again."""
    should: list[Body] = [{"bool": {"must_not": {"terms": {"_index": sorted(beyond.layout)}}}}]
    for index, place in beyond.layout.items():
        if place.numbered:
            settled = beyond.settled(index)
            should.append(in_index(index, numbered(gt=settled)))
        else:
            since_us = beyond.horizons.get(place.identity, 0) - overlap_us
            should.append(in_index(index, timed(fields, gte=since_us)))
    return either(should)


def needs_shards_told(at: ElasticsearchPosition) -> bool:
    """Return whether hits must say their shard: numbers of shards are not readable, and some > 0.

    An explanation says it, at some cost.
    """
    places = at.layout.values()
    unknown = any(place.shards == 0 for place in places)
    several = any(place.shards > 1 for place in places) or any(
        number > 0 for _, number in at.shards
    )
    return unknown and several


async def shows_what_was_seen(cluster: Cluster, snapshot: Snapshot, index: str) -> bool:
    """Return whether the copies that a snapshot was opened on are as far as its position.

    Copies of a shard become visible each in its time: what one has shown another may not show yet,
    and a list of it would lose that for good. The witnesses of those shards are looked for that
    moved lately. One that was updated or deleted meanwhile is not found either.
    """
    at = snapshot.at
    if at is None:
        return True
    wanted = _witnesses(at)
    if not wanted:
        return True
    body: Body = {
        "size": _MOST_WITNESSES,
        "query": either(
            [in_index(key[0], {"term": {"_seq_no": pair[0]}}) for key, pair in wanted.items()]
        ),
        "sort": ["_shard_doc"],
        "_source": False,
        "seq_no_primary_term": True,
        "explain": needs_shards_told(at),
        "track_total_hits": False,
    }
    answer = await cluster.search_snapshot(
        body, snapshot.pit, index=index, paging=False, ranked=bool(snapshot.ranks)
    )
    found = {((hit.index, snapshot.shard_of(hit)), pair_of(hit)) for hit in answer.hits}
    return found >= set(wanted.items())


def _witnesses(at: ElasticsearchPosition) -> dict[ShardKey, Pair]:
    """Return the witnesses of the shards that moved lately, by name of the index and number."""
    names = {place.identity: name for name, place in at.layout.items()}
    found = {}
    for identity, number in sorted(at.fresh)[:_MOST_WITNESSES]:
        shard = at.shards.get((identity, number))
        if identity in names and shard is not None and shard.witness is not None:
            found[names[identity], number] = shard.witness
    return found
