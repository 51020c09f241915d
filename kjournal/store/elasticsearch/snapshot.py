"""A list's snapshot as text: the point in time, and what was decided when it was opened."""

from collections.abc import Mapping, Sequence

import attrs

from kjournal.codec import dump_json, load_json
from kjournal.errors import CursorExpired, StoreUnavailable
from kjournal.store.elasticsearch.hits import Hit
from kjournal.store.elasticsearch.position import ElasticsearchPosition, Layout


@attrs.frozen(kw_only=True)
class Snapshot:
    """One point in time, and how all its pages are read, by any process.

    `ranks`: for each index of several shards their ranks among all shards, which is how
    `_shard_doc` tells them. `at`: what of it is shown, `beyond`: what of it is left out; both of
    those indices that are the same as when these positions were made. `plain`: the store refused
    the narrowing query. `nanos`: see `sort_of`.
    """

    pit: str
    ranks: Mapping[str, Sequence[int]] = attrs.field(factory=dict)
    at: ElasticsearchPosition | None = None
    beyond: ElasticsearchPosition | None = None
    plain: bool = False
    nanos: bool = False

    def encode(self) -> str:
        """Return text for a continue token."""
        positions = [one and one.encode() for one in (self.at, self.beyond)]
        return dump_json([self.pit, dict(self.ranks), positions, self.plain, self.nanos]).decode()

    @classmethod
    def decode(cls, text: str) -> "Snapshot":
        """Return what `encode` wrote.

        Raises: CursorExpired for anything else.
        """
        try:
            pit, ranks, positions, plain, nanos = load_json(text)
            at, beyond = (one and ElasticsearchPosition.decode(one) for one in positions)
            return cls(
                pit=str(pit),
                ranks={str(name): list(those) for name, those in ranks.items()},
                at=at,
                beyond=beyond,
                plain=bool(plain),
                nanos=bool(nanos),
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise CursorExpired("the snapshot of this list is not one of this store") from error

    def shard_of(self, hit: Hit) -> int:
        """Return the number of a hit's shard within its index."""
        if hit.shard:
            return int(hit.shard.rpartition("[")[2].rstrip("]"))
        if hit.index not in self.ranks:
            return 0
        rank, ranks = int(hit.sort[-1]) >> 32, self.ranks[hit.index]
        if rank not in ranks:
            raise StoreUnavailable("Elasticsearch does not tell a record's shard")
        return ranks.index(rank)

    def shows(self, hit: Hit, time_us: int, overlap_us: int) -> bool:
        """Return whether a hit belongs to the list.

        What was seen of an index without numbers cannot be told: it is shown as it is, or from the
        overlap before the horizon on.
        """
        return self._visible(hit) and not self._left_out(hit, time_us, overlap_us)

    def _visible(self, hit: Hit) -> bool:
        if self.at is None:
            return True
        place = self.at.layout.get(hit.index)
        if place is not None and not place.numbered:
            return True
        return self.at.saw(hit.index, self.shard_of(hit), (hit.seq_no, hit.term))

    def _left_out(self, hit: Hit, time_us: int, overlap_us: int) -> bool:
        if self.beyond is None or hit.index not in self.beyond.layout:
            return False
        place = self.beyond.layout[hit.index]
        if not place.numbered:
            return time_us < self.beyond.horizons.get(place.identity, 0) - overlap_us
        return self.beyond.saw(hit.index, self.shard_of(hit), (hit.seq_no, hit.term))


def ranks_of(layout: Layout) -> dict[str, list[int]]:
    """Return the ranks of the shards of each index of several.

    A point in time orders its shards by their number, then by index name. Shards that a search
    skips are left out of the count: see `Cluster.search_snapshot`.
    """
    places = [(number, name) for name, place in layout.items() for number in range(place.shards)]
    ranks: dict[str, list[int]] = {}
    for rank, (_, name) in enumerate(sorted(places)):
        if layout[name].shards > 1:
            ranks.setdefault(name, []).append(rank)
    return ranks
