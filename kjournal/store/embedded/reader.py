"""What reader threads do: pages, batches and keyed reads, each in one transaction."""

# ruff: noqa: S608 - SQL is put together from constants of this file only.

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

from kjournal.codec import load_json
from kjournal.errors import CursorExpired, StoreRejected
from kjournal.query.clause import clause_admits
from kjournal.query.model import Batch, Clause, Page, Position, Record
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.patterns import matches, named
from kjournal.store.embedded.scanning import (
    COLUMNS,
    TABLES,
    ListRequest,
    Row,
    candidates,
    lane_number,
    total_of,
)
from kjournal.store.embedded.writer import last_row

MAX_PAGE_BYTES = 16 << 20
"""A page or batch ends early when its documents exceed this; it holds at least one record."""


def read_page(connection: sqlite3.Connection, request: ListRequest) -> Page:
    """Return the page.

    Raises: CursorExpired, StoreRejected.
    """
    file, swept = _marks(connection)
    beyond, ceiling = request.beyond, request.at
    if request.after and request.after.snapshot:
        beyond, ceiling = _bounds(request.after.snapshot, file)
    if ceiling is None:
        ceiling = last_row(connection)
    if ceiling < swept:
        raise CursorExpired("the list has taken too long; it must begin anew")
    snapshot = f"{file}.{beyond}.{ceiling}"
    warning = missing_indices(connection, request.lane.source.index)
    if warning:
        return Page(records=[], snapshot=snapshot, more=False, warnings=(warning,))
    rows = candidates(connection, request, (beyond, ceiling))
    records, more = _taken(rows, request.limit, request.query.clauses)
    total = total_of(connection, request, (beyond, ceiling)) if request.query.counted else None
    return Page(records=records, snapshot=snapshot, more=more, total=total)


def read_batch(connection: sqlite3.Connection, lane: Lane, position: int | None) -> Batch:
    """Return what came after `position`, in the order of rows."""
    newest = last_row(connection)
    if position is None:
        return Batch(records=[], position=Position(newest))
    sql = (
        f"SELECT {COLUMNS} FROM {TABLES} WHERE p.lane = ? AND p.row > ? AND p.row <= ?"
        " AND r.gone IS NULL ORDER BY p.row"
    )
    number = lane_number(connection, lane)
    with closing(connection.execute(sql, (number, position, newest))) as rows:
        records, more = _taken(rows, lane.source.max_page, ())
    reached = int(str(records[-1].sort[1])) if more else newest
    warning = missing_indices(connection, lane.source.index, strict=False)
    return Batch(
        records=records,
        position=Position(reached),
        more=more,
        warnings=(warning,) if warning else (),
    )


def read_records(connection: sqlite3.Connection, lane: Lane, id: str) -> list[Record]:
    """Return the source's records with that id, by index name."""
    sql = (
        f"SELECT {COLUMNS} FROM records r CROSS JOIN places p ON p.lane = ? AND p.row = r.row"
        " CROSS JOIN indices i ON i.number = r.index_number"
        " WHERE r.id = ? AND r.gone IS NULL ORDER BY i.name"
    )
    return [_record(row) for row in connection.execute(sql, (lane_number(connection, lane), id))]


def row_before(connection: sqlite3.Connection, time_us: int) -> int:
    """Return a row before all that were committed at a time or later, as late as is known.

    Where the clock went back a second is met twice; what came first counts.
    """
    found = connection.execute(
        "SELECT min(row) FROM arrivals WHERE time_us >="
        " (SELECT max(time_us) FROM arrivals WHERE time_us <= ?)",
        (time_us,),
    ).fetchone()
    return int(found[0] or 0)


def missing_indices(
    connection: sqlite3.Connection, pattern: str, *, strict: bool = True
) -> str | None:
    """Return a warning if no index matches the pattern.

    Raises: StoreRejected if `strict` and an index named without wildcards is missing.
    """
    names = [name for (name,) in connection.execute("SELECT name FROM indices")]
    for name in named(pattern):
        if strict and name not in names:
            raise StoreRejected(f"no such index {name!r}")
    if any(matches(pattern, name) for name in names):
        return None
    return f"no index matches {pattern!r}"


def _marks(connection: sqlite3.Connection) -> tuple[str, int]:
    marks = dict(connection.execute("SELECT name, value FROM marks").fetchall())
    return str(marks["file"]), int(marks["swept"])


def _bounds(snapshot: str, file: str) -> tuple[int, int]:
    """Return between which rows a snapshot lies: above the first, up to the second."""
    made_by, *rows = snapshot.split(".")
    if made_by != file or len(rows) != 2 or not all(row.isdecimal() for row in rows):
        raise CursorExpired("the list was begun on another file; it must begin anew")
    return int(rows[0]), int(rows[1])


def _taken(
    rows: Iterator[Row] | sqlite3.Cursor, limit: int, clauses: Sequence[Clause]
) -> tuple[list[Record], bool]:
    """Return at most `limit` records that satisfy the clauses, and whether another may follow."""
    records: list[Record] = []
    taken_bytes = 0
    for row in rows:
        if len(records) >= limit or taken_bytes > MAX_PAGE_BYTES:
            return records, True
        record = _record(row)
        if all(clause_admits(record.document, clause) for clause in clauses):
            records.append(record)
            taken_bytes += len(row[5])
    return records, False


def _record(row: Row) -> Record:
    time_us, number, index, id, version, body = row
    return Record(
        index=index,
        id=id,
        time_us=time_us,
        document=load_json(body),
        sort=(time_us, number),
        updated=version > 1,
    )
