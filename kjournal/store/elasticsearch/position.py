"""What a tail has seen of an index's shards: pure arithmetic on sequence numbers.

A search view is no gap-free prefix of `_seq_no`, so a position is, for each shard, a settled mark W
(every number up to it was seen, or never will be visible) and the (number, primary term) pairs seen
above it.

W follows the primary's global checkpoint G: what is at or below a G that was read, and is missing
from a view that was opened later, was overwritten or deleted. That a view was opened later is
proven by a number in it above the highest that the primary had given when G was read.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from kjournal.store.elasticsearch.spans import NONE, Numbers

SETTLE_DEPTH = 10_000
"""How far below the highest visible number documents may still appear; 3,571 was measured.

It counts where a tail begins, and where global checkpoints may not be read.
"""
_READ_NUMBERS = 1000
_READ_SPANS = 8

Pair = tuple[int, int]
"""Sequence number and primary term: a number given again after a crash has a higher term."""


@attrs.frozen
class Reading:
    """What a primary said of itself: its global checkpoint, and the highest number it had given."""

    checkpoint: int
    highest: int


@attrs.frozen(kw_only=True)
class ShardPosition:
    """One shard: settled mark, what was seen above it by primary term, and a witness.

    The witness is the highest pair that was visible. Numbers are only given again above what
    survived a crash, and with a higher term: so while the witness is visible, or a higher number
    with its term, no number below it has become another document's, and known ones below it need
    not be read again. Doubtful are known numbers that a higher term may have given to documents
    that are not visible yet. `reading` waits for a view that was opened after it.
    """

    settled: int = -1
    known: Mapping[int, Numbers] = attrs.field(factory=dict)
    witness: Pair | None = None
    doubtful: Numbers = NONE
    reading: Reading | None = None

    def saw(self, pair: Pair) -> bool:
        """Return whether this document was seen, or is settled."""
        number, term = pair
        return number <= self.settled or number in self.known.get(term, Numbers())

    def learned(self, pairs: Iterable[Pair]) -> "ShardPosition":
        """Return this position, having seen these, of which some may be known."""
        terms: dict[int, list[int]] = {}
        for number, term in pairs:
            terms.setdefault(term, []).append(number)
        known = dict(self.known)
        for term, numbers in terms.items():
            known[term] = known.get(term, Numbers()) | Numbers.of(numbers)
        found = Numbers.of({number for numbers in terms.values() for number in numbers})
        return attrs.evolve(self, known=known, doubtful=self.doubtful - found)

    def doubting(self, visible: Iterable[Pair]) -> "ShardPosition":
        """Return this position after a look at all that is visible above its settled mark."""
        pairs = set(visible)
        newest = max((term for _, term in pairs), default=0)
        doubtful = self.doubtful
        for term, numbers in self.known.items():
            if term < newest:
                shown = Numbers.of(number for number, shown_term in pairs if shown_term == term)
                doubtful |= numbers - shown
        return attrs.evolve(self, doubtful=doubtful)

    def confirmed(self, witness: Pair | None) -> "ShardPosition":
        """Return this position once all that one view shows up to `witness` is in it."""
        shard = attrs.evolve(self, witness=witness)
        reading = self.reading
        if witness is None or reading is None or witness[0] <= reading.highest:
            return shard
        return attrs.evolve(shard.settle(reading.checkpoint), reading=None)

    def settle(self, mark: int) -> "ShardPosition":
        """Return this position with all numbers up to a mark settled."""
        if mark <= self.settled:
            return self
        known = {term: numbers.above(mark) for term, numbers in self.known.items()}
        return attrs.evolve(
            self,
            settled=mark,
            known={term: numbers for term, numbers in known.items() if numbers.spans},
            doubtful=self.doubtful.above(mark),
        )

    def read(self, reading: Reading) -> "ShardPosition":
        """Return this position, waiting for evidence; one that waits already goes on waiting.

        Replaced by each newer one, none would ever be proven while much is written.
        """
        if self.reading is not None or reading.checkpoint <= self.settled:
            return self
        return attrs.evolve(self, reading=reading)

    @property
    def wants_reading(self) -> bool:
        """Whether so much is known one by one that it is worth to settle it."""
        if self.reading is not None:
            return False
        spans = sum(len(numbers.spans) for numbers in self.known.values())
        return spans > _READ_SPANS or self.unsettled > _READ_NUMBERS

    @property
    def unsettled(self) -> int:
        """How many numbers are known one by one."""
        return sum(len(numbers) for numbers in self.known.values())

    def advanced(self, pairs: Sequence[Pair]) -> "ShardPosition":
        """Return this position after a page that can be trusted.

        Without a witness nothing known was left out of the page.
        """
        if not pairs:
            return self
        looked = self.doubting(pairs) if self.witness is None else self
        return looked.confirmed(max(pairs))

    def judges(self, top: Pair | None) -> bool:
        """Return whether a page that is not the last one, up to this pair, reaches the witness."""
        return self.witness is None or (top is not None and top[0] >= self.witness[0])

    def trusts(self, top: Pair | None) -> bool:
        """Return whether the highest visible pair says that no known number was given again."""
        if self.witness is None:
            return True
        return top is not None and top[0] >= self.witness[0] and top[1] == self.witness[1]

    @property
    def vouched(self) -> Numbers:
        """Those known numbers that the witness, while it is visible, answers for."""
        if self.witness is None:
            return Numbers()
        return self.numbers.below(self.witness[0]) - self.doubtful

    @property
    def numbers(self) -> Numbers:
        """All numbers known above the settled mark, whatever their term."""
        union = Numbers()
        for numbers in self.known.values():
            union |= numbers
        return union

    @property
    def top(self) -> int:
        """No number above this was seen."""
        return max(self.settled, self.numbers.top)


@attrs.frozen
class IndexPlace:
    """What an index is: its uuid (its name, where that may not be read), and how many shards.

    0 shards: not known. Not `numbered`: its sequence numbers cannot be searched.
    """

    identity: str
    shards: int
    numbered: bool = True


Layout = Mapping[str, IndexPlace]
"""The indices of a pattern, by name."""

ShardKey = tuple[str, int]
"""Identity of the index, and number of the shard."""


@attrs.frozen(kw_only=True)
class ElasticsearchPosition:
    """What a tail has seen of a pattern's indices; an index without an entry is read from 0.

    `horizons`: up to which event time, in microseconds, an index without numbers was followed.
    `fresh`: shards in which something was found lately, so that their copies may still differ.
    """

    layout: Layout
    shards: Mapping[ShardKey, ShardPosition]
    horizons: Mapping[str, int] = attrs.field(factory=dict)
    fresh: frozenset[ShardKey] = frozenset()

    @property
    def unnumbered(self) -> list[str]:
        """The names of the indices that can only be followed by time."""
        return sorted(name for name, place in self.layout.items() if not place.numbered)

    def shard(self, index: str, number: int) -> ShardPosition:
        """Return the position of one shard of an index in the layout."""
        return self.shards.get((self.layout[index].identity, number), ShardPosition())

    def saw(self, index: str, number: int, pair: Pair) -> bool:
        """Return whether a document was seen; of an index outside the layout none was."""
        return index in self.layout and self.shard(index, number).saw(pair)

    def settled(self, index: str) -> int:
        """Return the lowest settled mark of an index's shards; of one never seen it is -1."""
        place = self.layout[index]
        marks = {
            number: one.settled
            for (key, number), one in self.shards.items()
            if key == place.identity
        }
        whole = place.shards and len(marks) == place.shards
        return min(marks.values(), default=-1) if whole else -1

    def witness(self, index: str, number: int) -> Pair | None:
        """Return the witness of a shard, if it has one."""
        return self.shard(index, number).witness if index in self.layout else None

    def only(self, names: frozenset[str]) -> "ElasticsearchPosition":
        """Return what was seen of these indices."""
        layout = {name: place for name, place in self.layout.items() if name in names}
        identities = {place.identity for place in layout.values()}
        return ElasticsearchPosition(
            layout=layout,
            shards={key: shard for key, shard in self.shards.items() if key[0] in identities},
            horizons={key: time for key, time in self.horizons.items() if key in identities},
            fresh=frozenset(key for key in self.fresh if key[0] in identities),
        )

    def encode(self) -> list[Any]:
        """Return what `decode` makes a position of that saw the same, as JSON."""
        names = {place.identity: name for name, place in self.layout.items()}
        return [
            [[name, one.identity, one.shards, one.numbered] for name, one in self.layout.items()],
            [
                [
                    names[identity],
                    number,
                    shard.settled,
                    [[term, numbers.spans] for term, numbers in shard.known.items()],
                ]
                for (identity, number), shard in self.shards.items()
                if identity in names
            ],
            dict(self.horizons),
        ]

    @classmethod
    def decode(cls, encoded: list[Any]) -> "ElasticsearchPosition":
        """Return a position. Raises: ValueError or TypeError for what `encode` never gives."""
        places, shards, horizons = encoded
        layout = {name: IndexPlace(*place) for name, *place in places}
        return cls(
            layout=layout,
            shards={
                (layout[name].identity, number): ShardPosition(
                    settled=settled,
                    known={
                        term: Numbers(tuple((first, last) for first, last in spans))
                        for term, spans in known
                    },
                )
                for name, number, settled, known in shards
            },
            horizons=horizons,
        )

    def tops(self) -> dict[str, int]:
        """Return for each index of which something was seen a number that none seen is above."""
        tops: dict[str, int] = {}
        names = {place.identity: name for name, place in self.layout.items()}
        for (identity, _), shard in self.shards.items():
            if identity in names:
                name = names[identity]
                tops[name] = max(tops.get(name, -1), shard.top)
        return tops


def unchanged(before: Layout, after: Layout) -> frozenset[str]:
    """Return the names that stood for the same index at both readings, and so in between."""
    return frozenset(
        name
        for name, place in before.items()
        if name in after and after[name].identity == place.identity
    )
