"""What leaves the file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from kjournal.errors import CursorExpired
from kjournal.store.embedded import retention
from kjournal.store.embedded.lanes import Lane
from tests.unit.store.embedded.conftest import NOW_S, Desk

DAY_S = 86400
NOW_US = int(NOW_S * 1_000_000)


def test_age(desk: Desk, lane: Lane) -> None:
    """Records older than the bound go, by event time; without one, by the time of arrival."""
    desk.catch_up(lane)
    desk.write(
        ("old", "old", {"t": NOW_S - 3 * DAY_S}),
        ("logs", "young", {"t": NOW_S - DAY_S}),
        ("logs", "timeless", {}),
        ("logs", "future", {"t": NOW_S + 30 * DAY_S}),
    )
    before_us = NOW_US - 2 * DAY_S * 1_000_000
    assert retention.delete_older(desk.writer, before_us) == 1
    assert retention.delete_older(desk.writer, before_us) == 0
    assert desk.ids(lane) == ["timeless", "young", "future"]
    desk.clock.advance(3 * DAY_S)
    assert retention.delete_older(desk.writer, NOW_US + 1) == 3, "the future is not kept for ever"
    assert [desk.count(table) for table in ("records", "places", "indices")] == [0, 0, 0]


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Collect what is told to the operator."""
    found: list[str] = []

    def observer(event: LogEvent) -> None:
        if str(event.get("log_namespace", "")).startswith("kjournal.store.embedded"):
            found.append(formatEvent(event))

    globalLogPublisher.addObserver(observer)
    yield found
    globalLogPublisher.removeObserver(observer)


def test_too_old_on_arrival(desk: Desk, lane: Lane, told: list[str]) -> None:
    """Whoever sends documents that are older than the retention is told, once a minute, how many.

    What grew old here, or had before the process began, is none of them.
    """

    def sweep() -> None:
        before_us = desk.writer.now_us - 2 * DAY_S * 1_000_000
        while retention.delete_older(desk.writer, before_us):
            pass

    desk.catch_up(lane)
    desk.write(("x", "grew old before", {"t": 5}), ("x", "grows old", {"t": NOW_S - 2 * DAY_S + 9}))
    sweep()
    desk.clock.advance(10)
    sweep()
    assert (desk.count("records"), told) == (0, [])
    desk.write(*(("x", None, {"t": 5}) for _ in range(retention.STEP_ROWS + 7)))
    sweep()
    (line,) = told
    assert f" {retention.STEP_ROWS} " in line, "the first step tells at once"
    assert "k.db" in line
    desk.write(("x", None, {"t": 5}), ("x", "young", {"t": NOW_S}))
    desk.clock.advance(59)
    sweep()
    assert len(told) == 1
    desk.clock.advance(1)
    sweep()
    assert len(told) == 2
    assert " 8 " in told[1]
    desk.clock.advance(600)
    sweep()
    assert len(told) == 2
    assert desk.ids(lane) == ["young"]


def test_age_of_what_no_source_knows(desk: Desk) -> None:
    """A record that belongs to no open source is as old as its @timestamp says."""
    desk.write(("x", "a", {"@timestamp": "2001-01-01T00:00:00Z"}), ("x", "b", {}))
    assert retention.delete_older(desk.writer, NOW_US) == 1


def test_steps_are_small(desk: Desk) -> None:
    """A step removes at most STEP_ROWS, oldest first."""
    desk.write(*(("x", str(n), {"@timestamp": 1000 - n}) for n in range(retention.STEP_ROWS + 5)))
    assert retention.delete_older(desk.writer, NOW_US) == retention.STEP_ROWS
    with desk.writer.transaction() as connection:
        left = connection.execute("SELECT id FROM records ORDER BY age_us").fetchall()
    assert left == [(str(n),) for n in range(4, -1, -1)]


def test_size(desk: Desk, tmp_path: Path) -> None:
    """Above the bound the oldest go, and their pages are used again: the file does not grow on."""
    max_bytes = 3 << 20
    body = {"log": "x" * 1000}
    for round_ in range(20):
        desk.write(*(("x", None, {"@timestamp": round_ + 1, **body}) for _ in range(500)))
        while retention.delete_surplus(desk.writer, max_bytes):
            pass
    desk.writer.close()
    assert (tmp_path / "k.db").stat().st_size < max_bytes * 1.3
    with desk.writer.transaction() as connection:
        oldest, newest, count = connection.execute(
            "SELECT min(age_us), max(age_us), count(*) FROM records"
        ).fetchone()
    assert newest == 20_000_000
    assert oldest > 14_000_000
    assert count > 1500


def test_a_smaller_bound_shrinks_the_file(desk: Desk, tmp_path: Path) -> None:
    """Free pages are given back to the disk where the file itself is too long."""
    desk.write(*(("x", None, {"@timestamp": 5, "log": "x" * 2000}) for _ in range(1500)))
    desk.writer.close()
    before = os.path.getsize(tmp_path / "k.db")
    for _ in range(50):
        retention.delete_surplus(desk.writer, 1 << 20)
    desk.writer.close()
    assert os.path.getsize(tmp_path / "k.db") < 1.1 * (1 << 20) < before


def test_replaced_versions(desk: Desk, lane: Lane) -> None:
    """A replaced version is shown at its place until it is swept; then that place has expired."""
    desk.catch_up(lane)
    desk.write(("x", "a", {"t": 1, "v": 1}), ("x", "b", {"t": 2}))
    desk.write(("x", "a", {"t": 1, "v": 2}))
    assert [r.document.get("v") for r in desk.page(lane, at=2).records] == [1, None]
    assert [r.document.get("v") for r in desk.page(lane, at=3).records] == [2, None]
    assert retention.delete_replaced(desk.writer, 2) == 0
    assert retention.delete_replaced(desk.writer, 3) == 1
    with pytest.raises(CursorExpired):
        desk.page(lane, at=2)
    assert desk.ids(lane, at=3) == ["a", "b"]
    assert desk.count("records") == desk.count("places") == 2


def test_lanes_out_of_use(desk: Desk, lane: Lane) -> None:
    """A lane that nobody used for long is forgotten, a live one never."""
    desk.catch_up(lane)
    desk.write(("x", "a", {"t": 1}))
    unused = type(desk.writer)(desk.file, desk.writer._ids, desk.clock.seconds)
    while not unused.catch_up(Lane(lane.source, ("v",))):
        pass
    unused.close()
    desk.clock.advance(30 * DAY_S)
    while retention.delete_lane(desk.writer):
        pass
    assert desk.count("lanes") == 1
    assert desk.ids(lane) == ["a"]
