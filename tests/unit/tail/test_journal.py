"""The journal: which numbers this process gave, and what each meant."""

from bisect import bisect_right

from hypothesis import given
from hypothesis import strategies as st

from kjournal.query.model import Position
from kjournal.query.resource_version import STEP, Mint
from kjournal.tail.journal import Checkpoint, Journal

HOUR_US = 3600 * 10**6
BEGIN_US = 1_700_000_000 * 10**6

polls = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 5)), max_size=40)


@given(polls, st.integers(0, STEP - 1), st.data())
def test_model(script: list[tuple[int, int]], residue: int, data: st.DataObject) -> None:
    """Only what was minted for an event or a checkpoint is known, each with its poll's place."""
    mint, journal, now_us = Mint(residue), Journal(HOUR_US), 1
    given_out: set[int] = set()
    checkpoints: list[Checkpoint] = []
    for passed_us, events in script:
        now_us += passed_us
        numbers = [mint.next(now_us) for _ in range(events + 1)]
        checkpoint = Checkpoint(numbers[-1], Position(len(checkpoints)))
        journal.add(numbers[0], checkpoint, now_us)
        given_out |= set(numbers)
        checkpoints.append(checkpoint)
    assert len(journal) == len(checkpoints)
    asked = st.integers(0, max([0, *given_out]) + 2 * STEP)
    for number in [*given_out, *data.draw(st.lists(asked, max_size=20))]:
        assert journal.minted(number) == (number in given_out)
        exact = [one for one in checkpoints if one.resource_version == number]
        assert journal.checkpoint(number) == (exact[0] if exact else None)
        before = bisect_right([one.resource_version for one in checkpoints], number)
        assert journal.before(number) == (checkpoints[before - 1] if before else None)


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(0, 20))
def test_what_was_visible_at_a_time(times: list[int], asked: int) -> None:
    """The latest poll that began not later; one after a clock went back is as late as before it."""
    journal = Journal(HOUR_US)
    for at, seen_us in enumerate(times):
        number = STEP * (at + 1)
        journal.add(number, Checkpoint(number, Position(at)), seen_us)
    found = journal.seen_before(asked)
    known = [at for at in range(len(times)) if max(times[: at + 1]) <= asked]
    assert (found and found.checkpoint.position) == (Position(known[-1]) if known else None)


def test_empty() -> None:
    """A process that has not polled has given nothing."""
    journal = Journal(HOUR_US)
    assert not journal.minted(5)
    assert journal.checkpoint(5) is None
    assert journal.before(5) is None


def test_bounded_over_a_day() -> None:
    """However long it runs it holds the polls of its hour, and some that are yet to be dropped."""
    mint, journal = Mint(3), Journal(HOUR_US)
    most = HOUR_US // 10**6 + 102
    for second in range(24 * 3600):
        first = mint.next(BEGIN_US + second * 10**6)
        journal.add(first, Checkpoint(mint.next(first), Position(second)), first)
        assert len(journal) <= most
    newest = mint.last
    found = journal.before(newest - HOUR_US + 10**6)
    assert found is not None
    assert found.resource_version > newest - HOUR_US - 10**6
    assert journal.before(BEGIN_US + HOUR_US) is None
    assert not journal.minted(BEGIN_US + 3)
