"""A cluster in memory whose views are as disorderly as real ones: for the arithmetic of tails.

It answers the searches of `tailing` and `numbers`, over sequence numbers and index names alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.task import Clock

from kjournal.query.model import Batch, Position
from kjournal.store.elasticsearch.cluster import Body
from kjournal.store.elasticsearch.hits import Answer, Hit
from kjournal.store.elasticsearch.position import IndexPlace, Layout, Reading, ShardKey
from kjournal.store.elasticsearch.tailing import Tailing
from kjournal.store.interfaces import Source
from tests.results import success


@attrs.define
class MemoryIndex:
    """One index: what is visible in each of its shards, (id, term) by number."""

    uuid: str
    shards: list[dict[int, tuple[str, int]]]


@attrs.define
class MemoryCluster:
    """Indices by name."""

    indices: dict[str, MemoryIndex] = attrs.field(factory=dict)
    readings: dict[ShardKey, Reading] | None = attrs.field(factory=dict)
    after_reading: Callable[[], None] = lambda: None
    clock: Clock = attrs.field(factory=Clock)
    made: int = 0
    searches: int = 0

    def create(self, name: str, shards: int = 1) -> None:
        """Make an index, or make it again."""
        self.made += 1
        self.indices[name] = MemoryIndex(f"uuid-{self.made}", [{} for _ in range(shards)])

    async def read(self) -> Layout:
        """Return what a LayoutReader reads."""
        return {name: IndexPlace(one.uuid, len(one.shards)) for name, one in self.indices.items()}

    def doubt(self) -> None:
        raise AssertionError("more was searched than is there")

    async def checkpoints(self, index: str) -> dict[ShardKey, Reading] | None:
        readings = self.readings if self.readings is None else dict(self.readings)
        self.after_reading()
        return readings

    async def search(self, body: Body, *, index: str, shard: int | None = None) -> Answer:
        self.searches += 1
        number = shard or 0
        hits = [
            hit
            for name, one in self.indices.items()
            if number < len(one.shards)
            for hit in _hits(name, one.shards[number])
            if matches(body["query"], hit)
        ]
        hits.sort(key=lambda hit: (hit.index, hit.seq_no))
        if body["size"] == 0:
            return self._answer([], number, {"index": {"buckets": _buckets(hits)}})
        if len(body["sort"]) == 1:
            hits.sort(key=lambda hit: hit.seq_no)
        start = tuple(body.get("search_after", ()))
        hits = [hit for hit in hits if not start or (hit.index, hit.seq_no) > start]
        return self._answer(hits[: body["size"]], number, {})

    async def search_each(self, body: Body, indices: Sequence[str], *, shard: int) -> list[Answer]:
        answers = []
        for name in indices:
            visible = self.indices[name].shards[shard]
            top = max(visible, default=None)
            answers.append(self._answer([], shard, {"top": {"value": top}}))
        return answers

    def _answer(self, hits: list[Hit], number: int, aggregations: Body) -> Answer:
        shards = sum(number < len(one.shards) for one in self.indices.values())
        return Answer(hits=hits, shards=shards, skipped=0, pit_id="", aggregations=aggregations)


def _hits(name: str, visible: dict[int, tuple[str, int]]) -> list[Hit]:
    return [
        Hit(
            index=name,
            id=id,
            document={},
            sort=(name, number),
            seq_no=number,
            term=term,
            version=1,
            shard="",
        )
        for number, (id, term) in visible.items()
    ]


def _buckets(hits: list[Hit]) -> list[Body]:
    buckets = []
    for name in {hit.index for hit in hits}:
        those = [hit for hit in hits if hit.index == name]
        ends = {"low": those[0], "high": those[-1]}
        bucket: Body = {
            end: {"hits": {"hits": [{"_seq_no": hit.seq_no, "_primary_term": hit.term}]}}
            for end, hit in ends.items()
        }
        buckets.append({"key": name, "doc_count": len(those), **bucket})
    return buckets


def matches(query: Body, hit: Hit) -> bool:
    """Return whether a query over `_index` and `_seq_no` matches."""
    [(kind, body)] = query.items()
    if kind == "bool":
        should = body.get("should", [])
        return (
            all(matches(each, hit) for each in body.get("filter", []))
            and not any(matches(each, hit) for each in body.get("must_not", []))
            and (not should or any(matches(each, hit) for each in should))
        )
    [(field, expected)] = body.items()
    value: Any = {"_index": hit.index, "_seq_no": hit.seq_no}[field]
    if kind == "term":
        return bool(value == expected)
    if kind == "terms":
        return value in expected
    bounds = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
    return all(bounds[bound](value, limit) for bound, limit in expected.items())


def tailing(cluster: MemoryCluster, max_page: int = 7) -> Tailing:
    """Return the poller of all that a cluster holds."""
    fake: Any = cluster
    return Tailing(fake, Source(kind="logs", index="*", max_page=max_page), fake, 60.0)


def polled(tail: Tailing, position: Position | None) -> Batch:
    """Return what a poll brings."""
    work = tail.start() if position is None else tail.next(position)  # type: ignore[arg-type]
    batch: Batch = success(work)
    return batch
