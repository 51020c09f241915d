"""The count itself: each loss and each other mistake is seen, and a relist is none."""

from typing import Any

import pytest

from kjournal.codec import dump_json
from tests.clients.programs import lines_of_kubectl
from tests.clients.report import Outcome, Plan, Row
from tests.clients.tally import Tally

WRITTEN_S = {1: 10.0, 2: 10.0, 3: 10.0}


def told(number: int, type: str = "ADDED", **more: Any) -> dict[str, Any]:
    uid = f"uid-{number}"
    line = {"type": type, "uid": uid, "name": uid, "number": number, "resourceVersion": "1"}
    return {**line, **more}


def row_of(*lines: dict[str, Any], early: int = 0) -> Row:
    tally = Tally()
    for at_s, line in enumerate(lines, 11):
        tally.add(line, at_s)
    return Row(
        client="it",
        written_s=WRITTEN_S,
        foreign={7},
        tally=tally,
        repeated_early=early,
        seconds=1,
    )


ALL = ({"type": "LIST"}, told(1), {"type": "WATCH"}, told(2), told(3))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (ALL[:-1], "1 lost: [3]"),
        (ALL[2:4], "2 lost: [1, 3]"),
        ((*ALL, told(7)), "1 of another namespace: [7]"),
        ((*ALL, told(3, uid="other", name="other")), "1 under two uids"),
        ((*ALL, told(3, name="other")), "1 renamed"),
        ((*ALL, told(3, type="DELETED")), "1 deleted"),
    ],
)
def test_a_mistake_is_seen(lines: tuple[dict[str, Any], ...], said: str) -> None:
    """Each is told with what it happened to."""
    (mistake,) = row_of(*lines).mistakes()
    assert mistake.startswith(f"it: {said}")


def test_nothing_may_come_twice_before_the_restart() -> None:
    """A repeat that no restart explains is a mistake."""
    assert row_of(*ALL, early=2).mistakes() == ["it: 2 repeated before the restart: [0, 1]"]


def test_a_second_list_is_no_mistake() -> None:
    """What a list tells again is counted apart from what one session repeats."""
    expired = {"type": "ERROR", "code": 410}
    row = row_of(*ALL, expired, *ALL[:2], told(1, resourceVersion="2"))
    assert not row.mistakes()
    tally = row.tally
    assert (tally.lists, tally.expired, tally.again, tally.repeated) == (2, 1, 1, 1)
    assert tally.versions == 1


def test_a_refused_list_begins_no_session() -> None:
    """What goes on after a 503 is still the same session."""
    row = row_of(*ALL, {"type": "LIST", "code": 503}, told(2))
    assert (row.tally.lists, row.tally.refused, row.tally.repeated) == (1, 1, 1)


def test_the_table_is_markdown() -> None:
    """A line for each client, below the heads."""
    table = Outcome(plan=Plan(seconds=2), down_s=1.5, rows=(row_of(*ALL),)).table()
    assert table.splitlines()[0].endswith("restarted by SIGTERM at half time (1.5 s away)")
    assert table.splitlines()[-1] == "| it | 3 | 0 | 0 | 0 | 0 | 1 | 1 | 0 | 0 | 4.0 / 5.0 | 1 |"


def test_kubectl_prints_pages_as_lists_and_its_own_errors() -> None:
    """A list of several pages comes as lists; a broken stream as a Status without a kind."""
    item = {
        "kind": "ContainerLog",
        "metadata": {"name": "a", "uid": "u", "resourceVersion": "5"},
        "payload": {"number": 1},
    }
    events = (
        {"type": "ADDED", "object": {"kind": "ContainerLogList", "items": [item, item]}},
        {"type": "ADDED", "object": item},
        {"type": "ERROR", "object": {"reason": "InternalError", "code": 500}},
    )
    lines = [dump_json(event).decode() for event in events]
    types = [line["type"] for line in lines_of_kubectl(lines)]
    assert types == ["LIST", "ADDED", "ADDED", "ADDED", "ERROR"]
