"""Sets of whole numbers as spans: what is known of a shard is nearly contiguous."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import attrs

Span = tuple[int, int]
"""First and last number."""


@attrs.frozen
class Numbers:
    """A set of whole numbers, as ascending spans (first, last) that do not touch."""

    spans: tuple[Span, ...] = ()

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
        spans: list[Span] = []
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


NONE = Numbers()


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)
