"""A list's snapshot as text: the point in time, and what was decided when it was opened."""

from collections.abc import Mapping, Sequence

import attrs

from kjournal.codec import dump_json, load_json
from kjournal.errors import CursorExpired, StoreUnavailable
from kjournal.store.elasticsearch.hits import Hit
from kjournal.store.elasticsearch.position import ElasticsearchPosition, Layout, unchanged


@attrs.frozen(kw_only=True)
class Snapshot:
    """One point in time, and how all its pages are read.

    `ranks`: for each index of several shards their ranks among all shards, which is how
    `_shard_doc` tells them. `unseen`: indices that a position does not know, though it knew
    their name. `plain`: the store refused the narrowing query. `nanos`: see `sort_of`.
    """

    pit: str
    ranks: Mapping[str, Sequence[int]] = attrs.field(factory=dict)
    unseen: frozenset[str] = frozenset()
    plain: bool = False
    nanos: bool = False

    def encode(self) -> str:
        """Return text for a continue token."""
        parts = [self.pit, dict(self.ranks), sorted(self.unseen), self.plain, self.nanos]
        return dump_json(parts).decode()

    @classmethod
    def decode(cls, text: str) -> "Snapshot":
        """Return what `encode` wrote.

        Raises: CursorExpired for anything else.
        """
        try:
            pit, ranks, unseen, plain, nanos = load_json(text)
            return cls(
                pit=str(pit),
                ranks={str(name): list(those) for name, those in ranks.items()},
                unseen=frozenset(unseen),
                plain=bool(plain),
                nanos=bool(nanos),
            )
        except (ValueError, TypeError, AttributeError) as error:
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

    def shows(self, hit: Hit, position: ElasticsearchPosition) -> bool:
        """Return whether the position has seen a hit."""
        if hit.index in self.unseen:
            return False
        return position.saw(hit.index, self.shard_of(hit), (hit.seq_no, hit.term))


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


def unseen_of(before: Layout, after: Layout) -> frozenset[str]:
    """Return the names of `before` that stand for another index in `after`."""
    return frozenset(before) - unchanged(before, after)
