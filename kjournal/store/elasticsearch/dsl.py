"""Clauses as search queries, which may match more than the clauses hold for, and never less.

Only IN, GREATER, LESS and the time range narrow. An index match says too little for the others: it
may come from a normalizer or `copy_to` (NOT_IN, MISSING), or be absent for an empty array (EXISTS).
Values that were not indexed for their length or form are found by `_ignored`.
"""

import math
import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import attrs

from kjournal.codec import parse_time_us
from kjournal.query.model import Clause, Operator, Query
from kjournal.store.elasticsearch.caps import HIDDEN, UNMAPPED, Capabilities
from kjournal.store.elasticsearch.matching import either

Dsl = dict[str, Any]

_NARROWING = frozenset({Operator.IN, Operator.GREATER, Operator.LESS})
_KEYWORDS = frozenset({"keyword", "constant_keyword", "wildcard", "flattened"})
_WHOLE_VALUES = frozenset({"keyword", "constant_keyword", "wildcard"})
_TEXTS = frozenset({"text", "match_only_text"})
_INTEGERS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
_FLOATS = frozenset({"float", "double"})
_DATES = frozenset({"date", "date_nanos"})
_INTEGER = re.compile(r"-?\d{1,19}")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
# flattened fields do not say what they ignored for its length.
_FLATTENED_CHARS = 256
_DAY_US = 86_400_000_000
# The last millisecond that date_nanos can say.
_LAST_MS = 9_223_372_036_854
_MILLIS = "epoch_millis"


@attrs.frozen
class Narrowing:
    """Queries that must all match, and what to tell of fields that could not be used.

    `exact` says that they match what the clauses hold for, and nothing else that anybody is shown.
    """

    queries: tuple[Dsl, ...]
    warnings: tuple[str, ...]
    exact: bool = False


def narrowing_of(query: Query, fields: tuple[str, ...], caps: Capabilities) -> Narrowing:
    """Return what narrows a search to a query; `fields` are those of the event time."""
    queries, warnings = [], []
    for clause in query.clauses:
        narrowed = clause_query(clause, caps)
        if narrowed is not None:
            queries.append(narrowed)
        if clause.operator in _NARROWING:
            warnings += _warnings(clause, caps)
    times = time_query(query.since_us, query.until_us, fields, caps)
    if times is not None:
        queries.append(times)
    exact = all(_is_exact(clause, caps) for clause in query.clauses)
    return Narrowing(tuple(queries), tuple(dict.fromkeys(warnings)), exact)


def _is_exact(clause: Clause, caps: Capabilities) -> bool:
    """Return whether the one path is asked by a field that keeps values whole, wherever it is."""
    if len(clause.paths) > 1:
        return False  # which of them is shown is not the store's to say
    for path in clause.paths:
        kept = caps.types_of(f"{path}.keyword").get("keyword", frozenset())
        for kind, indices in caps.types_of(path).items():
            whole = kind in _WHOLE_VALUES or (kind in _TEXTS and indices <= kept)
            if not whole and kind != UNMAPPED:
                return False
    return clause.operator is Operator.IN


def clause_query(clause: Clause, caps: Capabilities) -> Dsl | None:
    """Return a query that matches at least what the clause holds for, or None for all documents."""
    if clause.operator not in _NARROWING:
        return None
    should: list[Dsl] = []
    passing: frozenset[str] = frozenset()
    for path in clause.paths:
        for kind, indices in caps.types_of(path).items():
            if kind == UNMAPPED:
                should.append(_since_mapped(path, indices))
                continue
            queries = _of_type(kind, path, clause)
            if queries is None:
                passing |= indices
            else:
                should += _by_subfield(queries, kind, path, clause, indices, caps)
    return _any_of(should, passing, clause.paths, caps)


def time_query(
    since_us: int | None, until_us: int | None, fields: tuple[str, ...], caps: Capabilities
) -> Dsl | None:
    """Return a query for an event time in [since, until), rounded outwards to milliseconds.

    It matches where any of the fields is in the range, and without a lower bound where none is.
    """
    bounds = _bounds(since_us, until_us)
    if len(bounds) == 1:
        return None
    should: list[Dsl] = []
    passing: frozenset[str] = frozenset()
    for path in fields:
        for kind, indices in caps.types_of(path).items():
            if kind in _DATES:
                should.append(_within([{"range": {path: bounds}}], indices))
            elif kind == UNMAPPED:
                should.append(_since_mapped(path, indices))
            else:
                passing |= indices
    if "gte" not in bounds:
        none = [{"exists": {"field": path}} for path in fields]
        should.append({"bool": {"must_not": none}})
    return _any_of(should, passing, fields, caps)


def _bounds(since_us: int | None, until_us: int | None) -> Dsl:
    bounds: Dsl = {"format": _MILLIS}
    if since_us is not None and since_us > 0:
        bounds["gte"] = min(since_us // 1000, _LAST_MS)
    if until_us is not None and until_us <= _LAST_MS * 1000:
        bounds["lt"] = max(-(-until_us // 1000), 1)
    return bounds


def sort_of(fields: tuple[str, ...], nanos: bool) -> list[Dsl]:
    """Return the order of lists: event time, where the store's own tie-break follows by itself.

    What has no event time comes first, as time 0. `nanos`: `date` and `date_nanos` are only merged
    rightly when both are compared as the latter.
    """
    order: Dsl = {"order": "asc", "missing": "_first", "unmapped_type": "date"}
    if nanos:
        order["numeric_type"] = "date_nanos"
    return [{path: dict(order)} for path in fields]


def nanos_needed(fields: tuple[str, ...], caps: Capabilities) -> bool:
    """Return whether an event time is `date` in one index and `date_nanos` in another."""
    return any(caps.types_of(path).keys() >= _DATES for path in fields)


def nothing_ignored(clauses: Iterable[Clause]) -> Dsl:
    """Return what matches documents of which all values at the clauses' paths were indexed."""
    paths = [path for clause in clauses for path in clause.paths]
    fields = [*paths, *(f"{path}.keyword" for path in paths)]
    return {"bool": {"must_not": [{"terms": {"_ignored": fields}}]}}


def filtered(queries: Iterable[Dsl]) -> Dsl:
    """Return the query that matches where all match."""
    listed = list(queries)
    return {"bool": {"filter": listed}} if listed else {"match_all": {}}


def _of_type(kind: str, path: str, clause: Clause) -> list[Dsl] | None:
    """Return queries of which one matches, or None where the type cannot narrow this clause."""
    if clause.operator is Operator.IN:
        return _equal(kind, path, clause.values)
    return _compared(kind, path, clause.operator, clause.values[0])


def _equal(kind: str, path: str, values: tuple[str, ...]) -> list[Dsl] | None:
    if kind in _KEYWORDS or kind in _TEXTS:
        return _spelled(kind, path, values)
    if kind in _DATES:
        return _times(path, values)
    parsable = all(_parses(kind, value) for value in values)
    return [{"terms": {path: list(values)}}] if parsable else None


def _spelled(kind: str, path: str, values: tuple[str, ...]) -> list[Dsl] | None:
    """Return queries for fields that index what was written: 5.0 and 0.10, not 5 and 0.1."""
    if any(_DECIMAL.fullmatch(value) and not _INTEGER.fullmatch(value) for value in values):
        return None
    if kind == "flattened" and any(len(value) > _FLATTENED_CHARS for value in values):
        return None
    floats = [f"{value}.0" for value in values if _INTEGER.fullmatch(value)]
    if kind in _KEYWORDS:
        return [{"terms": {path: [*values, *floats]}}]
    return [
        {"match_phrase": {path: {"query": value, "zero_terms_query": "all"}}}
        for value in (*values, *floats)
    ]


def _times(path: str, values: tuple[str, ...]) -> list[Dsl] | None:
    queries = []
    for value in values:
        time_us = parse_time_us(value)
        if time_us is None or _DECIMAL.fullmatch(value):
            return None
        bounds = {"gte": time_us // 1000, "lte": -(-time_us // 1000), "format": _MILLIS}
        queries.append({"range": {path: bounds}})
    return queries


def _parses(kind: str, value: str) -> bool:
    if kind in _INTEGERS:
        limit = 1 << (_INTEGERS[kind] - 1)
        return bool(_INTEGER.fullmatch(value)) and -limit <= int(value) < limit
    if kind in _FLOATS:
        return bool(_DECIMAL.fullmatch(value)) and abs(float(value)) < 3e38
    if kind == "boolean":
        return value in ("true", "false")
    return kind == "ip" and _is_address(value)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _compared(kind: str, path: str, operator: Operator, value: str) -> list[Dsl] | None:
    side = "gte" if operator is Operator.GREATER else "lte"
    if kind in _DATES:
        time_us = None if _DECIMAL.fullmatch(value) else parse_time_us(value)
        if time_us is None or not _DAY_US < time_us < (_LAST_MS * 1000 - _DAY_US):
            return None
        # A stored day without a time of day is compared as text.
        time_us += -_DAY_US if side == "gte" else _DAY_US
        return [{"range": {path: {side: time_us // 1000, "format": _MILLIS}}}]
    if not _DECIMAL.fullmatch(value) or not math.isfinite(float(value)):
        return None
    if kind in _INTEGERS:
        # Indexed without its fraction; a float as wide as a long loses its last digits.
        bound = math.floor(float(value)) if side == "gte" else math.ceil(float(value))
        return [{"range": {path: {side: bound}}}] if abs(bound) < 1 << 31 else None
    return [{"range": {path: {side: float(value)}}}] if kind in _FLOATS else None


def _by_subfield(  # noqa: PLR0913, RUF100 - one private caller
    queries: list[Dsl],
    kind: str,
    path: str,
    clause: Clause,
    indices: frozenset[str],
    caps: Capabilities,
) -> list[Dsl]:
    """Return the queries for these indices; text is asked by its .keyword where it has one."""
    if kind not in _TEXTS:
        return [_within(queries, indices)]
    whole = f"{path}.keyword"
    exact = caps.types_of(whole).get("keyword", frozenset()) & indices
    terms = _equal("keyword", whole, clause.values) or []
    parts = ((terms, exact), (queries, indices - exact))
    return [_within(those, names) for those, names in parts if names]


def _within(queries: list[Dsl], indices: frozenset[str]) -> Dsl:
    """Return a query of which one matches, asked only of the indices that can understand it."""
    names = {"terms": {"_index": sorted(indices)}}
    if len(queries) == 1:
        return {"bool": {"filter": [names, *queries]}}
    return {"bool": {"filter": [names], "should": queries, "minimum_should_match": 1}}


def _since_mapped(path: str, indices: frozenset[str]) -> Dsl:
    """Return what matches documents that hold a field which was not mapped when we asked.

    A dynamic mapping gains it with the first such document, which may be the next.
    """
    return _within([{"exists": {"field": path}}], indices)


def _any_of(
    should: list[Dsl], passing: frozenset[str], paths: tuple[str, ...], caps: Capabilities
) -> Dsl | None:
    """Return the alternatives, with what must not be narrowed.

    That is: indices that cannot be asked, indices that came after the capabilities were read, and
    documents of which a value was not indexed.
    """
    if caps.indices <= passing:
        return None
    ignored = [name for path in paths for name in (path, f"{path}.keyword")]
    everything = [
        *should,
        {"terms": {"_ignored": ignored}},
        {"bool": {"must_not": [{"terms": {"_index": sorted(caps.indices)}}]}},
    ]
    if passing:
        everything.append({"terms": {"_index": sorted(passing)}})
    return either(everything)


def _warnings(clause: Clause, caps: Capabilities) -> list[str]:
    known = "is not indexed"
    if caps.hiding is None:
        known = "may not be indexed (without view_index_metadata kjournal cannot know)"
    return [
        f"field {path} {known}; records are read to find it"
        for path in clause.paths
        if HIDDEN in caps.types_of(path)
    ]
