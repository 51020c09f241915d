"""SQL tests on bytes: never stricter than the clause."""

import sqlite3
from typing import Any

from hypothesis import example, given, settings

from kjournal.codec import dump_json
from kjournal.query.clause import clause_admits
from kjournal.query.model import Clause, Operator
from kjournal.store.embedded.narrow import MAX_NEEDLES, condition
from tests.unit.store.embedded.documents import clauses, documents

_connection = sqlite3.connect(":memory:")


def passes(document: dict[str, Any], clause: Clause) -> bool:
    test, parameters = condition([clause])
    row = _connection.execute(
        f"SELECT {test} FROM (SELECT ? AS document) r", [*parameters, dump_json(document)]
    )
    return bool(row.fetchone()[0])


@settings(max_examples=1000)
@given(documents, clauses())
@example({"a.b": [["x"]]}, Clause(("a.b",), Operator.EXISTS))
def test_no_record_is_lost(document: dict[str, Any], clause: Clause) -> None:
    """What satisfies the clause satisfies the SQL."""
    if clause_admits(document, clause):
        assert passes(document, clause)


def test_something_is_narrowed() -> None:
    """Text that is nowhere, and keys that are nowhere, are told from the bytes."""
    assert not passes({"ns": "prod-eu"}, Clause(("ns",), Operator.IN, ("prod",)))
    assert not passes({"ns": "prod"}, Clause(("x.label",), Operator.EXISTS))
    assert passes({"ns": "prod"}, Clause(("ns",), Operator.IN, ("test", "prod")))


def test_many_values() -> None:
    """No SQL grows beyond what SQLite takes, however many values and terms a selector has."""
    few = Clause(("a",), Operator.IN, tuple(str(n) + "x" for n in range(MAX_NEEDLES)))
    many = Clause(("a",), Operator.IN, (*few.values, "y"))
    assert len(condition([few])[1]) == MAX_NEEDLES
    assert condition([many])[1] == []
    document = {"a": "y"}
    assert passes(document, many)
    for clauses_ in ([few] * 100, [Clause(("a",), Operator.IN, ("y",))] * 100):
        test, parameters = condition(clauses_)
        assert len(parameters) <= MAX_NEEDLES
        _connection.execute(f"SELECT {test} FROM (SELECT x'' AS document) r", parameters)


def test_control_characters() -> None:
    """A value with a NUL, or with any other such character, is found where it stands."""
    for value in ("a\0b", "\0", "\x1b", "a\tb", "\x7f"):
        assert passes({"ns": value}, Clause(("ns",), Operator.IN, (value,)))
        assert not passes({"ns": "b"}, Clause(("ns",), Operator.IN, (value,)))
