"""SQL tests on bytes: never stricter than the clause."""

import sqlite3
from typing import Any

from hypothesis import example, given, settings

from kjournal.codec import dump_json
from kjournal.query.clause import clause_holds
from kjournal.query.model import Clause, Operator
from kjournal.store.embedded.narrow import condition
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
    if clause_holds(document, clause):
        assert passes(document, clause)


def test_something_is_narrowed() -> None:
    """Text that is nowhere, and keys that are nowhere, are told from the bytes."""
    assert not passes({"ns": "prod-eu"}, Clause(("ns",), Operator.IN, ("prod",)))
    assert not passes({"ns": "prod"}, Clause(("x.label",), Operator.EXISTS))
    assert passes({"ns": "prod"}, Clause(("ns",), Operator.IN, ("test", "prod")))
