"""Lanes: which records, when, under which values."""

from typing import Any

from hypothesis import given, settings

from kjournal.query.clause import clause_admits
from kjournal.query.model import Clause, Operator
from kjournal.query.paths import event_time_us
from kjournal.store.embedded.lanes import VALUE_CHARACTERS, Lane, cut
from kjournal.store.interfaces import Source
from tests.unit.store.embedded.documents import clauses, documents

SOURCE = Source(kind="logs", index="logs-*")


@settings(max_examples=1000)
@given(documents, clauses())
def test_values_lose_nothing(document: dict[str, Any], clause: Clause) -> None:
    """Whatever satisfies an IN clause stands under one of its values."""
    if clause.operator is Operator.IN and clause_admits(document, clause):
        values = Lane(SOURCE, clause.paths).values_of(document)
        assert values & {cut(value) for value in clause.values}


def test_all_spellings() -> None:
    """A record stands under each value that its paths have, in any spelling."""
    document = {"a": {"b": ["x", 1]}, "a.b": "forged", "c": "y", "d": None}
    assert Lane(SOURCE, ("a.b", "c", "d")).values_of(document) == {"x", "1", "forged", "y"}


def test_event_time() -> None:
    """The first field that holds a time counts; what is no time is passed over."""
    document = {"a": "no time", "b": {"c": "1970-01-01T00:00:02Z"}, "d": 3}
    assert event_time_us(document, ("x", "a", "b.c", "d")) == 2_000_000
    assert event_time_us(document, ("d", "b.c")) == 3_000_000
    assert event_time_us(document, ("a",)) == 0


def test_membership() -> None:
    """A record of another index, or one that the filter excludes, is of no concern."""
    source = Source(kind="logs", index="logs-*", filter=(Clause(("s",), Operator.IN, ("out",)),))
    assert Lane(source).time_of("logs-1", {"s": "out"}) == 0
    assert Lane(source).time_of("other", {"s": "out"}) is None
    assert Lane(source).time_of("logs-1", {"s": "err"}) is None


def test_key() -> None:
    """All that decides about a record is in the key; the kind's name is not."""
    lane = Lane(SOURCE)
    assert lane.key == Lane(Source(kind="events", index="logs-*")).key
    others = [
        Lane(SOURCE, ("a",)),
        Lane(Source(kind="logs", index="logs")),
        Lane(Source(kind="logs", index="logs-*", timestamp_fields=("t",))),
        Lane(Source(kind="logs", index="logs-*", filter=(Clause(("a",), Operator.EXISTS),))),
    ]
    assert len({lane.key, *(other.key for other in others)}) == 5


def test_long_values() -> None:
    """Long values are cut, both where they are kept and where they are sought."""
    value = "x" * 5000
    assert Lane(SOURCE, ("a",)).values_of({"a": value}) == {cut(value)}
    assert len(cut(value)) == VALUE_CHARACTERS
