"""What narrows a search, and what must not: a field's type in each index decides."""

from typing import Any

import pytest

from kjournal.query.model import Clause, Operator, Query
from kjournal.store.elasticsearch.caps import HIDDEN, UNMAPPED, Capabilities
from kjournal.store.elasticsearch.dsl import (
    clause_query,
    filtered,
    nanos_needed,
    narrowing_of,
    sort_of,
    time_query,
)

ALL = frozenset({"i", "j"})


def caps(fields: dict[str, Any], hiding: dict[str, Any] | None = None) -> Capabilities:
    """Return the capabilities of indices i and j; a type's name alone is for both."""
    whole = {
        path: {
            kind: {"searchable": True} for kind in (kinds if isinstance(kinds, list) else [kinds])
        }
        if not isinstance(kinds, dict)
        else kinds
        for path, kinds in fields.items()
    }
    return Capabilities(ALL, whole, hiding if hiding is not None else {})


def parts(query: Any) -> list[Any]:
    """Return the queries that narrow: without those that let other indices and values pass."""
    should = query["bool"]["should"]
    return [one for one in should if "filter" in one.get("bool", {})]


def narrowed(kind: str, *values: str, operator: Operator = Operator.IN) -> Any:
    """Return the query that a clause on a field of this type becomes, or None."""
    query = clause_query(Clause(("f",), operator, values), caps({"f": kind}))
    if query is None:
        return None
    [part] = parts(query)
    inner = part["bool"]
    assert inner["filter"][0] == {"terms": {"_index": ["i", "j"]}}
    return inner["filter"][1] if len(inner["filter"]) > 1 else inner["should"]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("keyword", ("a", "b"), {"terms": {"f": ["a", "b"]}}),
        ("keyword", ("5",), {"terms": {"f": ["5", "5.0"]}}),
        ("keyword", ("0.1",), None),
        ("wildcard", ("a",), {"terms": {"f": ["a"]}}),
        ("flattened", ("a",), {"terms": {"f": ["a"]}}),
        ("flattened", ("a" * 300,), None),
        ("text", ("a b",), {"match_phrase": {"f": {"query": "a b", "zero_terms_query": "all"}}}),
        ("long", ("5", "-6"), {"terms": {"f": ["5", "-6"]}}),
        ("long", ("5", "abc"), None),
        ("long", ("5.7",), None),
        ("byte", ("200",), None),
        ("double", ("5.7",), {"terms": {"f": ["5.7"]}}),
        ("double", ("nan",), None),
        ("boolean", ("true",), {"terms": {"f": ["true"]}}),
        ("boolean", ("yes",), None),
        ("ip", ("10.0.0.1",), {"terms": {"f": ["10.0.0.1"]}}),
        ("ip", ("10.0.0.0/8",), None),
        ("date", ("soon",), None),
        ("geo_point", ("1,1",), None),
    ],
)
def test_values_by_type(kind: str, values: tuple[str, ...], expected: Any) -> None:
    """A value that the type cannot understand does not narrow, as it may be stored unindexed."""
    assert narrowed(kind, *values) == expected


def test_a_time_is_equal_within_its_millisecond() -> None:
    """A date is found by its time, whatever format its index takes."""
    bounds = {"gte": 1767225600123, "lte": 1767225600124, "format": "epoch_millis"}
    assert narrowed("date", "2026-01-01T00:00:00.1234Z") == {"range": {"f": bounds}}


@pytest.mark.parametrize(
    ("kind", "value", "greater", "less"),
    [
        ("long", "5.5", {"gte": 5}, {"lte": 6}),
        ("double", "5.5", {"gte": 5.5}, {"lte": 5.5}),
        ("long", "x", None, None),
        ("keyword", "5", None, None),
        ("scaled_float", "5", None, None),
        ("date", "1700000000000", None, None),
        (
            "date",
            "2026-01-02T00:00:00Z",
            {"gte": 1767225600000, "format": "epoch_millis"},
            {"lte": 1767398400000, "format": "epoch_millis"},
        ),
    ],
)
def test_comparison_by_type(kind: str, value: str, greater: Any, less: Any) -> None:
    """Only numbers and dates are compared by the store, and with room at the edge."""
    for operator, bounds in ((Operator.GREATER, greater), (Operator.LESS, less)):
        expected = bounds if bounds is None else {"range": {"f": bounds}}
        assert narrowed(kind, value, operator=operator) == expected


@pytest.mark.parametrize("operator", [Operator.NOT_IN, Operator.EXISTS, Operator.MISSING])
def test_what_only_the_predicate_decides(operator: Operator) -> None:
    """An index match says too little to leave documents out."""
    assert narrowed("keyword", "a", operator=operator) is None


def test_text_with_a_keyword_beside_it() -> None:
    """Text is asked by `.keyword` where an index has it, and as a phrase elsewhere."""
    known = caps(
        {
            "f": "text",
            "f.keyword": {
                "keyword": {"searchable": True, "indices": ["i"]},
                "unmapped": {"indices": ["j"]},
            },
        }
    )
    query = clause_query(Clause(("f",), Operator.IN, ("a",)), known)
    exact, phrase = parts(query)
    assert exact == {
        "bool": {"filter": [{"terms": {"_index": ["i"]}}, {"terms": {"f.keyword": ["a"]}}]}
    }
    assert phrase["bool"]["filter"][0] == {"terms": {"_index": ["j"]}}


def test_what_is_not_indexed_passes() -> None:
    """Indices that hide the field, newer indices and values that were not indexed all pass."""
    known = caps(
        {"f": {"keyword": {"searchable": True, "indices": ["i"]}, "unmapped": {"indices": ["j"]}}},
        {"j": {"dynamic": "false"}},
    )
    narrowing = narrowing_of(
        Query(clauses=(Clause(("f",), Operator.IN, ("a",)),)), ("@timestamp",), known
    )
    [query] = narrowing.queries
    should = query["bool"]["should"]
    assert {"terms": {"_index": ["j"]}} in should
    assert {"terms": {"_ignored": ["f", "f.keyword"]}} in should
    assert {"bool": {"must_not": [{"terms": {"_index": ["i", "j"]}}]}} in should
    assert ["f is not indexed" in warning for warning in narrowing.warnings] == [True]


def test_alternative_paths() -> None:
    """Any of the paths may match; one that hides somewhere keeps all from being narrowed there."""
    clause = Clause(("f", "g"), Operator.IN, ("a",))
    both = clause_query(clause, caps({"f": "keyword", "g": "keyword"}))
    assert len(parts(both)) == 2
    one = clause_query(clause, caps({"f": "keyword"}))
    assert len(parts(one)) == 2
    assert {"exists": {"field": "g"}} in parts(one)[1]["bool"]["filter"]  # mapped since, maybe
    hidden = {"dynamic": False}
    assert clause_query(clause, caps({"f": "keyword"}, {"i": hidden, "j": hidden})) is None


def test_types_of_a_path() -> None:
    """Types by index: unmapped is nobody's, unless the mapping could hide it."""
    kinds = {
        "f": {"keyword": {"searchable": True, "non_searchable_indices": ["j"]}},
        "labels": "flattened",
        "n": {"nested": {"searchable": False}},
        "n.f": "keyword",
    }
    known = caps(kinds)
    assert known.types_of("f") == {"keyword": {"i"}, HIDDEN: {"j"}}
    assert known.types_of("labels.a.b") == {"flattened": ALL}
    assert known.types_of("n.f") == {HIDDEN: ALL}
    assert known.types_of("x.y") == {UNMAPPED: ALL}
    unreadable = Capabilities(ALL, {}, None)
    assert unreadable.types_of("x") == {HIDDEN: ALL}
    off = {"properties": {"x": {"enabled": False}}}
    assert caps({}, {"i": off}).types_of("x.y") == {UNMAPPED: {"j"}, HIDDEN: {"i"}}
    again = {"dynamic": "false", "properties": {"x": {"dynamic": "true"}}}
    assert caps({}, {"i": again}).types_of("x.y") == {UNMAPPED: ALL}


def test_time_ranges() -> None:
    """Bounds are rounded outwards; without a lower one a record without a time is within."""
    known = caps({"t": "date", "u": "date_nanos"})
    query = time_query(1_001, 2_001, ("t", "u"), known)
    bounds = {"gte": 1, "lt": 3, "format": "epoch_millis"}
    assert [part["bool"]["filter"][1] for part in parts(query)] == [
        {"range": {"t": bounds}},
        {"range": {"u": bounds}},
    ]
    until = time_query(None, 2_000, ("t",), known)
    assert {"bool": {"must_not": [{"exists": {"field": "t"}}]}} in until["bool"]["should"]
    assert time_query(None, None, ("t",), known) is None
    assert time_query(0, 10**18, ("t",), known) is None
    assert time_query(1_000, None, ("t",), caps({"t": "text"})) is None


def test_order() -> None:
    """Milliseconds and nanoseconds are compared as nanoseconds only where both occur."""
    mixed = {
        "date": {"searchable": True, "indices": ["i"]},
        "date_nanos": {"searchable": True, "indices": ["j"]},
    }
    assert nanos_needed(("t",), caps({"t": mixed}))
    assert not nanos_needed(("t",), caps({"t": "date"}))
    plain = {"order": "asc", "missing": "_first", "unmapped_type": "date"}
    assert sort_of(("t",), nanos=False) == [{"t": plain}]
    assert sort_of(("t",), nanos=True) == [{"t": {**plain, "numeric_type": "date_nanos"}}]


def test_nothing_to_narrow() -> None:
    """Without queries all matches."""
    assert filtered([]) == {"match_all": {}}
