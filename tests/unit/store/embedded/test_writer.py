"""Commits: rows, versions, conflicts, and places in lanes."""

import pytest

from kjournal.errors import StoreRejected, StoreUnavailable
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.writer import CATCH_UP_ROWS, last_row
from kjournal.store.interfaces import NewDocument, Source
from tests.unit.store.embedded.conftest import Desk


def test_new_and_replaced(desk: Desk) -> None:
    """A new document is 201 version 1; a replacement is 200, one version and some rows later."""
    first, other, again = desk.write(
        ("logs", "a", {"v": 1}), ("logs", "b", {}), ("logs", "a", {"v": 2})
    )
    assert (first.status, first.version, first.row) == (201, 1, 1)
    assert (other.status, other.version, other.row) == (201, 1, 2)
    assert (again.status, again.version, again.row) == (200, 2, 3)
    (third,) = desk.write(("logs", "a", {"v": 3}))
    assert (third.status, third.version, third.row) == (200, 3, 4)


def test_one_id_in_two_indices(desk: Desk) -> None:
    """An id belongs to its index."""
    assert [one.status for one in desk.write(("x", "a", {}), ("y", "a", {}))] == [201, 201]


def test_create_refuses(desk: Desk) -> None:
    """`create` of what exists is 409 and tells the version that is there."""
    desk.write(("logs", "a", {"v": 1}))
    new = NewDocument(index="logs", id="a", document={"v": 2}, create=True)
    ((answer,),) = desk.writer.commit([[new]])  # type: ignore[misc]
    assert (answer.status, answer.version, answer.row) == (409, 1, 1)
    assert desk.count("records") == 1


def test_ids_are_made(desk: Desk) -> None:
    """Without an id the store makes one."""
    one, two = desk.write(("logs", None, {}), ("logs", None, {}))
    assert one.id != two.id
    assert len(one.id) == 20


def test_no_json(desk: Desk) -> None:
    """A group that JSON cannot say is left out; the others of the commit are stored."""
    good = [NewDocument(index="logs", id="a", document={})]
    bad = [*good, NewDocument(index="logs", id="b", document={"x": object()})]
    answers = desk.writer.commit([bad, good])
    assert isinstance(answers[0], StoreRejected)
    assert not isinstance(answers[1], StoreRejected)
    assert desk.count("records") == 1


def test_full_disk(desk: Desk, lane: Lane) -> None:
    """A commit that finds the disk full stores nothing, says so, and the next is tried anew."""
    desk.catch_up(lane)
    desk.write(("logs", "a", {"t": 1}))
    with desk.writer.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
    big = {"t": 2, "log": "x" * 50_000}
    with pytest.raises(StoreUnavailable, match=r"^the disk that holds k.db is full$"):
        desk.write(("logs", "b", {"t": 2}), ("logs", "c", big))
    assert desk.ids(lane) == ["a"]
    (written,) = desk.write(("logs", "c", big))
    assert written.row == 2
    assert desk.ids(lane) == ["a", "c"]


def test_rows_are_never_given_twice(desk: Desk) -> None:
    """The highest row is not given again after its record was deleted."""
    desk.write(("logs", "a", {}), ("logs", "b", {}))
    with desk.writer.transaction() as connection:
        connection.execute("DELETE FROM records")
        assert last_row(connection) == 2
    assert desk.write(("logs", "c", {}))[0].row == 3


def test_catching_up(desk: Desk, lane: Lane) -> None:
    """A lane made later has all earlier records; a live one is maintained by commits."""
    count = CATCH_UP_ROWS + 10
    desk.write(*(("logs", str(n), {"t": -n}) for n in range(3)))
    desk.write(*(("logs", f"{n:04}", {"t": n + 1}) for n in range(count)))
    assert not desk.writer.catch_up(lane)
    assert desk.writer.catch_up(lane)
    assert desk.writer.catch_up(lane)
    desk.write(("logs", "last", {"t": count + 5}))
    assert desk.ids(lane) == ["0", "1", "2", *(f"{n:04}" for n in range(count)), "last"][:1000]


def test_catching_up_after_a_restart(desk: Desk, lane: Lane) -> None:
    """What was written while nobody had the source open is found when it is opened again."""
    desk.catch_up(lane)
    desk.write(("logs", "a", {"t": 1}))
    other = type(desk.writer)(desk.file, desk.writer._ids, desk.clock.seconds)
    other.commit([[NewDocument(index="logs", id="b", document={"t": 2})]])
    other.catch_up(lane)
    assert desk.ids(lane) == ["a", "b"]
    other.close()


def test_lanes_by_value(desk: Desk, lane: Lane) -> None:
    """A record stands under each value of an array, and under none if it has none."""
    by_value = Lane(lane.source, ("ns", "labels"))
    desk.write(("logs", "a", {"ns": "x"}), ("logs", "b", {"labels": ["y", "z", "y"]}))
    desk.catch_up(by_value)
    desk.write(("logs", "c", {"ns": 7}), ("logs", "d", {}))
    with desk.writer.transaction() as connection:
        found = connection.execute("SELECT value, row FROM places ORDER BY row, value").fetchall()
    assert found == [("x", 1), ("y", 2), ("z", 2), ("7", 3)]


def test_other_sources_are_left_alone(desk: Desk) -> None:
    """A source sees its indices only."""
    mine = Lane(Source(kind="a", index="a-*"))
    desk.catch_up(mine)
    desk.write(("a-1", "yes", {}), ("b-1", "no", {}))
    assert desk.ids(mine) == ["yes"]
