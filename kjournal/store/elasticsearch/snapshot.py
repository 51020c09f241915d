"""A list's snapshot as text: the point in time, and what was decided when it was opened."""

from collections.abc import Mapping

import attrs

from kjournal.codec import dump_json, load_json
from kjournal.errors import CursorExpired
from kjournal.store.elasticsearch.hits import Hit
from kjournal.store.elasticsearch.position import ElasticsearchPosition, Layout, unchanged


@attrs.frozen(kw_only=True)
class Snapshot:
    """One point in time, and how all its pages are read.

    `ranks`: for each index of several shards the rank of its first one among all shards, which is
    how `_shard_doc` tells them. `unseen`: indices that a position does not know, though it knew
    their name. `plain`: the store refused the narrowing query. `nanos`: see `sort_of`.
    """

    pit: str
    ranks: Mapping[str, int] = attrs.field(factory=dict)
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
                ranks={str(name): int(rank) for name, rank in ranks.items()},
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
        return (int(hit.sort[-1]) >> 32) - self.ranks[hit.index]

    def shows(self, hit: Hit, position: ElasticsearchPosition) -> bool:
        """Return whether the position has seen a hit."""
        if hit.index in self.unseen:
            return False
        return position.saw(hit.index, self.shard_of(hit), (hit.seq_no, hit.term))


def ranks_of(layout: Layout) -> dict[str, int]:
    """Return where the shards of each index of several begin: by index name, then number."""
    ranks, rank = {}, 0
    for name in sorted(layout):
        if layout[name].shards > 1:
            ranks[name] = rank
        rank += layout[name].shards
    return ranks


def unseen_of(before: Layout, after: Layout) -> frozenset[str]:
    """Return the names of `before` that stand for another index in `after`."""
    return frozenset(before) - unchanged(before, after)
