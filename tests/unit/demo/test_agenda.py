"""The imaginary cluster's clock: in order, as fast as asked, quiet when told."""

from functools import partial
from random import Random

from kjournal.demo.agenda import Agenda
from kjournal.store.interfaces import NewDocument

SECOND_US = 1_000_000


def counted(agenda: Agenda, until_us: int) -> int:
    return len(agenda.advance(until_us, 10**6))


def test_actions_happen_in_the_order_of_their_times() -> None:
    """Whatever order they were planned in; those at one time in the order they were planned."""
    agenda = Agenda(Random(1), 0)
    done: list[tuple[int, str]] = []

    def note(name: str) -> None:
        done.append((agenda.now_us, name))

    for delay_s, name in ((3.0, "last"), (1.0, "first"), (1.0, "second")):
        agenda.after(delay_s, partial(note, name))
    assert agenda.next_us == SECOND_US
    agenda.advance(10 * SECOND_US, 10)
    assert done == [(SECOND_US, "first"), (SECOND_US, "second"), (3 * SECOND_US, "last")]


def test_nothing_happens_before_its_time() -> None:
    """`advance` stops at the time it was given, and goes on from there."""
    agenda = Agenda(Random(1), 0)
    agenda.after(5, lambda: agenda.put(NewDocument(index="a", document={})))
    assert counted(agenda, 5 * SECOND_US - 1) == 0
    assert counted(agenda, 5 * SECOND_US) == 1


def test_advance_stops_near_its_limit_and_loses_nothing() -> None:
    """Parts of it are the same as all of it."""

    def planned() -> Agenda:
        agenda = Agenda(Random(7), 0)

        def put() -> bool:
            agenda.put(NewDocument(index="a", document={"at": agenda.now_us}))
            return True

        agenda.repeat(1.0, 1.0, put)
        return agenda

    whole = planned().advance(100 * SECOND_US, 10**6)
    agenda, parts = planned(), []
    while part := agenda.advance(100 * SECOND_US, 7):
        assert len(part) <= 7
        parts += part
    assert parts == whole


def test_a_repetition_ends_when_it_says_so() -> None:
    """An action that returns False is not planned again."""
    agenda = Agenda(Random(1), 0)
    left = [True, True, False]

    def put() -> bool:
        agenda.put(NewDocument(index="a", document={}))
        return left.pop(0)

    agenda.repeat(1.0, 1.0, put)
    agenda.after(1000, lambda: None)
    assert counted(agenda, 1000 * SECOND_US) == 3


def test_less_happens_while_it_is_quiet() -> None:
    """The quiet ends at its time, not a long pause later."""
    agenda = Agenda(Random(1), 0)
    agenda.quiet_until_us = 1000 * SECOND_US

    def put() -> bool:
        agenda.put(NewDocument(index="a", document={}))
        return True

    agenda.repeat(1.0, 100.0, put)
    quiet = counted(agenda, 1000 * SECOND_US)
    live = counted(agenda, 2000 * SECOND_US)
    assert quiet < 30
    assert 800 < live < 1200
