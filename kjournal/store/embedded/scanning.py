"""Walks through the places of a source's records: by time, by a value, or by an id."""

# ruff: noqa: S608 - SQL is put together from constants of this file only.

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from operator import itemgetter

import attrs

from kjournal.codec import load_json
from kjournal.query.clause import clause_admits
from kjournal.query.model import COUNTED, Clause, PageStart, Query
from kjournal.store.embedded.lanes import Lane, cut
from kjournal.store.embedded.narrow import condition

MAX_VALUES = 16
"""Clauses with more values are not looked up by value."""

_ENOUGH_TO_RANK = 2000

COLUMNS = "p.time_us, p.row, i.name, r.id, r.version, r.document"
TABLES = (
    "places p CROSS JOIN records r ON r.row = p.row"
    " CROSS JOIN indices i ON i.number = r.index_number"
)
_PLACE = itemgetter(0, 1)
Row = tuple[int, int, str, str, int, bytes]


@attrs.frozen(kw_only=True)
class ListRequest:
    """One page to read; `by_value` are lanes of the source that are found by a clause's value."""

    lane: Lane
    query: Query
    limit: int
    at: int | None
    after: PageStart | None
    beyond: int = 0
    by_value: tuple[Lane, ...] = ()


def candidates(
    connection: sqlite3.Connection, request: ListRequest, rows: tuple[int, int]
) -> Iterator[Row]:
    """Yield rows in the order of lists, a superset of what is wanted.

    They lie above the first of `rows` and up to the second.
    """
    if request.query.id is not None:
        return _by_id(connection, request, rows)
    number, values = _best_lane(connection, request)
    scans = [_scan(connection, request, rows, number, value) for value in values]
    # A record with several values (an array) stands in several scans, at one place.
    return (next(same) for _, same in groupby(heapq.merge(*scans, key=_PLACE), key=_PLACE))


def _best_lane(connection: sqlite3.Connection, request: ListRequest) -> tuple[int, Sequence[str]]:
    """Return the lane to walk, and under which values: that with the fewest records there."""
    lookups = [
        (lane_number(connection, lane), sorted({cut(value) for value in clause.values}))
        for lane in request.by_value
        for clause in request.query.clauses
        if clause.paths == lane.paths and is_lookup(clause)
    ]
    if not lookups:
        return lane_number(connection, request.lane), ("",)
    if len(lookups) == 1:
        return lookups[0]
    return min(lookups, key=lambda lookup: _count(connection, *lookup))


def _count(connection: sqlite3.Connection, number: int, values: Sequence[str]) -> int:
    sql = "SELECT count(*) FROM (SELECT 1 FROM places WHERE lane = ? AND value = ? LIMIT ?)"
    return sum(
        connection.execute(sql, (number, value, _ENOUGH_TO_RANK)).fetchone()[0] for value in values
    )


def is_lookup(clause: Clause) -> bool:
    """Return whether a lane by value could serve the clause."""
    return clause.operator.value == "in" and 0 < len(clause.values) <= MAX_VALUES


def _scan(
    connection: sqlite3.Connection,
    request: ListRequest,
    rows: tuple[int, int],
    number: int,
    value: str,
) -> Iterator[Row]:
    test, needles = condition(request.query.clauses)
    begin_us, begin_row = request.query.since_us, -1
    if request.after is not None:
        begin_us, begin_row = (int(str(part)) for part in request.after.after)
    beyond, ceiling = rows
    parameters: list[object] = [number, value, beyond, ceiling, ceiling, *needles]
    if begin_us is not None:
        test += " AND (p.time_us, p.row) > (?, ?)"
        parameters += [begin_us, begin_row]
    if request.query.until_us is not None:
        test += " AND p.time_us < ?"
        parameters.append(request.query.until_us)
    sql = (
        f"SELECT {COLUMNS} FROM {TABLES} WHERE p.lane = ? AND p.value = ?"
        " AND p.row > ? AND p.row <= ? AND (r.gone IS NULL OR r.gone > ?)"
        f" AND {test} ORDER BY p.time_us, p.row"
    )
    with closing(connection.execute(sql, parameters)) as found:
        yield from found


def _by_id(
    connection: sqlite3.Connection, request: ListRequest, rows: tuple[int, int]
) -> Iterator[Row]:
    """Yield the rows with an id: those in force, and those that were replaced since."""
    query, (beyond, ceiling) = request.query, rows
    since = (query.since_us if query.since_us is not None else -(2**62), -1)
    if request.after is not None:
        since = int(str(request.after.after[0])), int(str(request.after.after[1]))
    sql = (
        f"SELECT {COLUMNS} FROM records r CROSS JOIN places p ON p.lane = ? AND p.row = r.row"
        " CROSS JOIN indices i ON i.number = r.index_number"
        " WHERE r.row IN (SELECT row FROM records WHERE id = ? AND gone IS NULL"
        " UNION ALL SELECT row FROM records WHERE gone > ? AND id = ?)"
        " AND p.row > ? AND p.row <= ? AND (p.time_us, p.row) > (?, ?) AND p.time_us < ?"
        " ORDER BY p.time_us, p.row"
    )
    until = query.until_us if query.until_us is not None else 2**62
    number = lane_number(connection, request.lane)
    parameters = (number, query.id, ceiling, query.id, beyond, ceiling, *since, until)
    with closing(connection.execute(sql, parameters)) as found:
        yield from found


def total_of(
    connection: sqlite3.Connection, request: ListRequest, rows: tuple[int, int]
) -> int | None:
    """Return how many records the query selects, or None beyond COUNTED.

    Their places tell where the only clause is one that they are kept by; else it is each document,
    and None where more than COUNTED would have to be looked at.
    """
    query, (beyond, ceiling) = request.query, rows
    if any(len(clause.paths) > 1 for clause in query.clauses):
        return None  # which of them an object shows is the mapping's to say
    number, values = _best_lane(connection, request)
    by_value = number != lane_number(connection, request.lane)
    if len(values) != 1 or len(query.clauses) != int(by_value) or query.id is not None:
        seen = counted = 0
        for row in islice(candidates(connection, request, rows), COUNTED + 1):
            document = load_json(row[5])
            seen += 1
            counted += all(clause_admits(document, clause) for clause in query.clauses)
        return counted if seen <= COUNTED else None
    sql = (
        "SELECT count(*) FROM (SELECT 1 FROM places p CROSS JOIN records r ON r.row = p.row"
        " WHERE p.lane = ? AND p.value = ? AND p.time_us >= ? AND p.time_us < ?"
        " AND p.row > ? AND p.row <= ? AND (r.gone IS NULL OR r.gone > ?) LIMIT ?)"
    )
    since = query.since_us if query.since_us is not None else -(2**62)
    until = query.until_us if query.until_us is not None else 2**62
    parameters = (number, values[0], since, until, beyond, ceiling, ceiling, COUNTED + 1)
    (count,) = connection.execute(sql, parameters).fetchone()
    return int(count) if count <= COUNTED else None


def lane_number(connection: sqlite3.Connection, lane: Lane) -> int:
    """Return the number of a lane that was caught up with before."""
    return int(
        connection.execute("SELECT number FROM lanes WHERE key = ?", (lane.key,)).fetchone()[0]
    )
