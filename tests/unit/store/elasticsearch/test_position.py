"""Sets of numbers, and what a shard's position says of them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kjournal.store.elasticsearch.position import (
    ElasticsearchPosition,
    IndexPlace,
    Numbers,
    Reading,
    ShardPosition,
    unchanged,
)

SETS = st.sets(st.integers(0, 60))


def members(numbers: Numbers) -> set[int]:
    return {number for number in range(-5, 70) if number in numbers}


@given(SETS, SETS, st.integers(-1, 60))
def test_numbers_are_a_set(left: set[int], right: set[int], mark: int) -> None:
    """All operations are those of sets, and spans never touch."""
    numbers = Numbers.of(left) | Numbers.of(right)
    union = left | right
    assert members(numbers) == union
    assert members(Numbers.of(left) - Numbers.of(right)) == left - right
    assert len(numbers) == len(union)
    assert members(numbers.above(mark)) == {number for number in union if number > mark}
    assert members(numbers.below(mark)) == {number for number in union if number < mark}
    assert numbers.top == max(union, default=-1)
    above = numbers.above(mark)
    expected = set(range(mark + 1, above.top)) - union if above.spans else set()
    assert set(above.holes(mark)) == expected
    assert all(one[1] + 1 < other[0] for one, other in pairwise(numbers.spans))


def test_a_mark_needs_evidence() -> None:
    """A checkpoint is settled by a view that shows more than had been given when it was read."""
    shard = ShardPosition().learned([(1, 1), (2, 1), (9, 1)]).read(Reading(5, 9))
    assert shard.confirmed((9, 1)).settled == -1
    assert shard.read(Reading(8, 20)) == shard
    settled = shard.learned([(10, 1)]).confirmed((10, 1))
    assert (settled.settled, settled.reading, settled.unsettled) == (5, None, 2)
    assert settled.saw((3, 1))
    assert not settled.saw((6, 1))
    assert settled.read(Reading(5, 30)).reading is None


def test_what_wants_a_reading() -> None:
    """Many numbers, or many holes; and not what waits for evidence already."""
    assert not ShardPosition().learned((n, 1) for n in range(1000)).wants_reading
    many = ShardPosition().learned((n, 1) for n in range(1001))
    assert many.wants_reading
    assert not many.read(Reading(5, 9)).wants_reading
    assert ShardPosition().learned((2 * n, 1) for n in range(9)).wants_reading


def test_a_number_given_again_is_new() -> None:
    """The same number under a higher term is another document."""
    shard = ShardPosition().learned([(7, 1)])
    assert shard.saw((7, 1))
    assert not shard.saw((7, 2))


def test_when_a_view_vouches() -> None:
    """While the witness is visible, or one above it of its term, no known number was reused."""
    fresh = ShardPosition()
    assert fresh.trusts(None)
    assert fresh.trusts((3, 1))
    shard = fresh.learned([(7, 2)]).confirmed((7, 2))
    assert shard.trusts((7, 2))
    assert shard.trusts((9, 2))
    assert shard.learned([(9, 1), (3, 1)]).vouched == Numbers.of([3])
    for top in (None, (6, 2), (7, 3), (9, 3)):
        assert not shard.trusts(top)


def test_a_position_knows_its_indices() -> None:
    """What is seen is told by index and shard; an index outside the layout has nothing seen."""
    position = ElasticsearchPosition(
        layout={"a": IndexPlace("u1", 2), "b": IndexPlace("u2", 1)},
        shards={
            ("u1", 1): ShardPosition(settled=3).learned([(9, 1)]),
            ("gone", 0): ShardPosition(settled=100),
        },
    )
    assert position.saw("a", 1, (9, 1))
    assert not position.saw("a", 0, (9, 1))
    assert not position.saw("c", 0, (0, 1))
    assert position.tops() == {"a": 9}


def test_unchanged_indices() -> None:
    """Only an index with the same identity at both ends was the same in between."""
    before = {"a": IndexPlace("1", 1), "b": IndexPlace("2", 1), "c": IndexPlace("3", 1)}
    after = {"a": IndexPlace("1", 1), "b": IndexPlace("9", 1), "d": IndexPlace("4", 1)}
    assert unchanged(before, after) == {"a"}
