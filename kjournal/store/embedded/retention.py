"""What leaves the file, and when: replaced versions, records too old or too many, forgotten lanes.

Each function is one small step in one transaction of the writer, and returns how much it removed.
"""

import sqlite3
from collections import Counter

from kjournal.codec import MICROSECONDS
from kjournal.store.embedded.writer import Writer

STEP_ROWS = 500
_VACUUM_PAGES = 200
_LANE_NOTED_US = 86400 * MICROSECONDS
_LANE_KEPT_US = 7 * 86400 * MICROSECONDS
"""A lane that no source asked for in so long is forgotten; it can be made again."""


def delete_older(writer: Writer, before_us: int) -> int:
    """Delete the oldest records below an age time, at most STEP_ROWS.

    Those that were as old when they arrived are counted, and told to the operator.
    """
    with writer.transaction() as connection:
        rows = connection.execute(
            "SELECT row, age_us FROM records WHERE age_us < ? ORDER BY age_us, row LIMIT ?",
            (before_us, STEP_ROWS),
        ).fetchall()
        removed = _delete(connection, writer, [row for row, _ in rows])
    writer.overdue.removed([age_us for _, age_us in rows])
    if removed < STEP_ROWS:
        writer.overdue.swept(before_us)
    writer.overdue.tell(writer.now_us)
    return removed


def delete_surplus(writer: Writer, max_bytes: int) -> int:
    """Delete the oldest records, at most STEP_ROWS, if the file's content exceeds `max_bytes`.

    Free pages are used again; a file that is itself too long gives some of them back.
    """
    with writer.transaction() as connection:
        page_bytes, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        if (pages - free) * page_bytes <= max_bytes:
            surplus: int = min(free, pages - max_bytes // page_bytes, _VACUUM_PAGES)
            for _ in range(surplus):
                # Python steps this statement once, which frees one page, whatever number it says.
                connection.execute("PRAGMA incremental_vacuum(1)")
            return max(surplus, 0)
        rows = connection.execute(
            "SELECT row FROM records ORDER BY age_us, row LIMIT ?", (STEP_ROWS,)
        ).fetchall()
        return _delete(connection, writer, [row for (row,) in rows])


def delete_replaced(writer: Writer, upto: int) -> int:
    """Delete versions that were replaced at or before row `upto`, at most STEP_ROWS.

    Lists at a place before that are told that their snapshot is gone.
    """
    with writer.transaction() as connection:
        rows = connection.execute(
            "SELECT row, gone FROM records WHERE gone <= ? ORDER BY gone LIMIT ?",
            (upto, STEP_ROWS),
        ).fetchall()
        if rows:
            connection.execute(
                "UPDATE marks SET value = max(value, ?) WHERE name = 'swept'", (rows[-1][1],)
            )
        return _delete(connection, writer, [row for row, _ in rows])


def delete_lane(writer: Writer) -> int:
    """Delete places of a lane that is out of use, at most STEP_ROWS."""
    now_us, live = writer.now_us, writer.live_numbers()
    with writer.transaction() as connection:
        for number, used_us in connection.execute(
            "SELECT number, used_us FROM lanes WHERE used_us < ?", (now_us - _LANE_NOTED_US,)
        ).fetchall():
            if number in live:
                connection.execute(
                    "UPDATE lanes SET used_us = ? WHERE number = ?", (now_us, number)
                )
            elif used_us < now_us - _LANE_KEPT_US:
                removed = _delete_some_of_lane(connection, number)
                if removed:
                    return removed
        return 0


def _delete_some_of_lane(connection: sqlite3.Connection, number: int) -> int:
    rows = connection.execute(
        "SELECT row FROM places WHERE lane = ? LIMIT ?", (number, STEP_ROWS)
    ).fetchall()
    _delete_places(connection, number, [row for (row,) in rows])
    if not rows:
        connection.execute("DELETE FROM lanes WHERE number = ?", (number,))
    return len(rows)


def _delete(connection: sqlite3.Connection, writer: Writer, rows: list[int]) -> int:
    lanes = [number for (number,) in connection.execute("SELECT number FROM lanes")]
    for number in lanes:
        _delete_places(connection, number, rows)
    left: Counter[int] = Counter()
    for row in rows:
        for (index_number,) in connection.execute(
            "DELETE FROM records WHERE row = ? RETURNING index_number", (row,)
        ).fetchall():
            left[index_number] += 1
    connection.executemany(
        "UPDATE indices SET records = records - ? WHERE number = ?",
        [(count, number) for number, count in left.items()],
    )
    connection.execute("DELETE FROM indices WHERE records = 0")
    return len(rows)


def _delete_places(connection: sqlite3.Connection, lane: int, rows: list[int]) -> None:
    connection.executemany(
        "DELETE FROM places WHERE lane = ? AND row = ?", [(lane, row) for row in rows]
    )
