"""Reading between two positions, and the position of a time, each against a model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from kjournal.query.model import PageStart, Query
from kjournal.store.embedded.file import StoreFile
from kjournal.store.embedded.ids import AutoIds
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.reader import read_page, row_before
from kjournal.store.embedded.scanning import ListRequest
from kjournal.store.embedded.writer import ARRIVALS_KEPT_US, Writer
from kjournal.store.interfaces import Source
from tests.unit.store.embedded.conftest import NOW_S, Desk

LANE = Lane(Source(kind="logs", index="*", timestamp_fields=("t",)))
SECOND_US = 10**6


@contextmanager
def a_desk() -> Iterator[Desk]:
    """Give a writer on a new file; hypothesis would share a fixture's among its examples."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        clock.advance(NOW_S)
        file = StoreFile(str(Path(folder) / "k.db"))
        file.hold()
        writer = Writer(file, AutoIds(clock.seconds, bytes), clock.seconds)
        try:
            yield Desk(file, clock, writer)
        finally:
            writer.close()
            file.let_go()


@attrs.define
class Row:
    """A written version: its place, its event time, and the row that replaced it."""

    number: int
    id: str
    time: int
    gone: int | None = None


def store(desk: Desk, ids: list[tuple[int, int]]) -> list[Row]:
    """Write versions one by one, and return what a list may show."""
    rows: list[Row] = []
    for number, (id, time) in enumerate(ids, 1):
        for row in rows:
            if row.id == str(id) and row.gone is None:
                row.gone = number
        rows.append(Row(number, str(id), time))
        desk.write(("i", str(id), {"t": time}))
    return rows


def pages(desk: Desk, limit: int, at: int, beyond: int) -> list[str]:
    """Return the ids of all pages; only the first is told the bounds."""
    found: list[str] = []
    after: PageStart | None = None
    with desk.writer.transaction() as connection:
        while True:
            more: dict[str, Any] = {} if after else {"at": at, "beyond": beyond}
            request = ListRequest(
                lane=LANE, query=Query(), limit=limit, after=after, **({"at": None} | more)
            )
            page = read_page(connection, request)
            found += [record.id for record in page.records]
            if not page.more:
                return found
            after = PageStart(snapshot=page.snapshot, after=page.records[-1].sort)


writes = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=12)


@settings(deadline=None, max_examples=60)
@given(writes, st.integers(0, 12), st.integers(0, 12), st.integers(1, 4))
def test_between(script: list[tuple[int, int]], one: int, other: int, limit: int) -> None:
    """A list shows what `at` has seen and `beyond` had not, as it was at `at`, in all its pages."""
    with a_desk() as desk:
        desk.catch_up(LANE)
        rows = store(desk, script)
        at, beyond = min(max(one, other), len(rows)), min(one, other)
        expected = [
            row for row in rows if beyond < row.number <= at and (row.gone is None or row.gone > at)
        ]
        in_order = [row.id for row in sorted(expected, key=lambda row: (row.time, row.number))]
        assert pages(desk, limit, at, beyond) == in_order


commits = st.lists(
    st.tuples(st.sampled_from([0, 1, 300_000, 700_000, SECOND_US, 5 * SECOND_US]), st.just(1))
    | st.tuples(st.sampled_from([-3 * SECOND_US, -SECOND_US]), st.just(1))
    | st.tuples(st.just(20 * SECOND_US), st.just(0)),
    max_size=15,
)


@settings(deadline=None, max_examples=60)
@given(commits, st.lists(st.integers(-2 * SECOND_US, 40 * SECOND_US), max_size=10))
def test_row_before(script: list[tuple[int, int]], asked: list[int]) -> None:
    """Nothing at or below it came later than the time, whatever the clock does; hardly less did."""
    begin_us = int(NOW_S) * SECOND_US
    came: list[int] = []
    with a_desk() as desk:
        for passed_us, count in script:
            desk.clock.rightNow = round(desk.clock.rightNow + passed_us / SECOND_US, 6)
            for _ in range(count):
                desk.write(("i", None, {"t": 1}))
                came.append(desk.writer.now_us)
        forwards = came == sorted(came)
        with desk.writer.transaction() as connection:
            for time_us in [begin_us + one for one in asked] + came:
                row = row_before(connection, time_us)
                assert 0 <= row <= len(came)
                assert all(came_us <= time_us for came_us in came[:row])
                if forwards:
                    # All but what came in the latest second with a commit, which may come later
                    # within that second than the time.
                    seconds = [one // SECOND_US for one in came]
                    begun = [second for second in seconds if second * SECOND_US <= time_us]
                    assert row == sum(second < max(begun) for second in begun)


def test_row_before_of_one_second(desk: Desk) -> None:
    """The time itself counts as later: nobody can tell what came first within a microsecond."""
    desk.write(("i", "a", {"t": 1}))
    desk.clock.advance(1)
    desk.write(("i", "b", {"t": 1}))
    with desk.writer.transaction() as connection:
        assert row_before(connection, desk.writer.now_us) == 1
        assert row_before(connection, desk.writer.now_us - 1) == 0
        assert row_before(connection, 0) == 0


def test_arrivals_are_kept_for_a_day(desk: Desk) -> None:
    """Times before that have no position; the table does not grow."""
    for _ in range(50):
        desk.write(("i", None, {"t": 1}))
        desk.clock.advance(ARRIVALS_KEPT_US / SECOND_US / 10)
    assert desk.count("arrivals") <= 12
    now_us = desk.writer.now_us
    with desk.writer.transaction() as connection:
        assert row_before(connection, now_us - ARRIVALS_KEPT_US * 2) == 0
        assert row_before(connection, now_us) == 49


def test_many_commits_of_a_second_are_one_arrival(desk: Desk) -> None:
    """Writers that hurry cost no more."""
    for _ in range(20):
        desk.write(("i", None, {"t": 1}))
        desk.clock.advance(0.01)
    assert desk.count("arrivals") == 1


def test_an_empty_commit_is_no_arrival(desk: Desk) -> None:
    """What is refused as existing, or is nothing, has not come."""
    desk.writer.commit([[]])
    assert desk.count("arrivals") == 0
