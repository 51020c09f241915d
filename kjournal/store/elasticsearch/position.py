"""What a tail has seen of an index's shards: pure arithmetic on sequence numbers.

A search view is no gap-free prefix of `_seq_no`, so a position is, for each shard, a settled mark W
(every number up to it was seen, or never will be visible) and the (number, primary term) pairs seen
above it. W follows the highest visible number at SETTLE_DEPTH.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

SETTLE_DEPTH = 10_000
"""How far below the highest visible number documents may still appear; 3,571 was measured."""

Pair = tuple[int, int]
"""Sequence number and primary term: a number given again after a crash has a higher term."""


@attrs.frozen
class Numbers:
    """A set of whole numbers, as ascending spans (first, last) that do not touch."""

    spans: tuple[Pair, ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> "Numbers":
        """Return the set of these numbers."""
        return cls(_merged((number, number) for number in sorted(numbers)))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.spans, number, key=lambda span: span[0])
        return at > 0 and number <= self.spans[at - 1][1]

    def __or__(self, other: "Numbers") -> "Numbers":
        return Numbers(_merged(sorted(self.spans + other.spans)))

    def __sub__(self, other: "Numbers") -> "Numbers":
        spans: list[Pair] = []
        gaps = iter(other.spans)
        gap = next(gaps, None)
        for first, last in self.spans:
            while gap is not None and gap[0] <= last:
                if first < gap[0]:
                    spans.append((first, gap[0] - 1))
                first = max(first, gap[1] + 1)
                if gap[1] > last:
                    break
                gap = next(gaps, None)
            if first <= last:
                spans.append((first, last))
        return Numbers(tuple(spans))

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def above(self, mark: int) -> "Numbers":
        """Return those greater than `mark`."""
        return Numbers(
            tuple((max(first, mark + 1), last) for first, last in self.spans if last > mark)
        )

    def below(self, mark: int) -> "Numbers":
        """Return those less than `mark`."""
        return Numbers(
            tuple((first, min(last, mark - 1)) for first, last in self.spans if first < mark)
        )

    def holes(self, mark: int) -> Iterator[int]:
        """Yield what is missing between `mark`, exclusive, and the highest."""
        following = mark + 1
        for first, last in self.spans:
            yield from range(following, first)
            following = last + 1

    @property
    def top(self) -> int:
        """The highest, or -1."""
        return self.spans[-1][1] if self.spans else -1


def _merged(spans: Iterable[Pair]) -> tuple[Pair, ...]:
    merged: list[Pair] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


@attrs.frozen(kw_only=True)
class ShardPosition:
    """One shard: settled mark, what was seen above it by primary term, and a witness.

    The witness is the highest pair that was visible. Numbers are only given again above what
    survived a crash, and with a higher term: so while the witness is visible, or a higher number
    with its term, no number below it has become another document's, and known ones below it need
    not be read again. Doubtful are known numbers that a higher term may have given to documents
    that are not visible yet.
    """

    settled: int = -1
    known: Mapping[int, Numbers] = attrs.field(factory=dict)
    witness: Pair | None = None
    doubtful: Numbers = Numbers()

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
        """Return this position once all that was visible up to `witness` is in it."""
        if witness is None:
            return attrs.evolve(self, witness=None)
        settled = max(self.settled, witness[0] - SETTLE_DEPTH)
        known = {term: numbers.above(settled) for term, numbers in self.known.items()}
        return ShardPosition(
            settled=settled,
            known={term: numbers for term, numbers in known.items() if numbers.spans},
            witness=witness,
            doubtful=self.doubtful.above(settled),
        )

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

    0 shards: not known.
    """

    identity: str
    shards: int


Layout = Mapping[str, IndexPlace]
"""The indices of a pattern, by name."""

ShardKey = tuple[str, int]
"""Identity of the index, and number of the shard."""


@attrs.frozen(kw_only=True)
class ElasticsearchPosition:
    """What a tail has seen of a pattern's indices; an index without an entry is read from 0."""

    layout: Layout
    shards: Mapping[ShardKey, ShardPosition]

    def shard(self, index: str, number: int) -> ShardPosition:
        """Return the position of one shard of an index in the layout."""
        return self.shards.get((self.layout[index].identity, number), ShardPosition())

    def saw(self, index: str, number: int, pair: Pair) -> bool:
        """Return whether a document was seen; of an index outside the layout none was."""
        return index in self.layout and self.shard(index, number).saw(pair)

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
