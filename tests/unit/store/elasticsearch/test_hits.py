"""Search answers: whole ones become records, others errors."""

from typing import Any

import pytest

from kjournal.errors import CursorExpired, StoreError, StoreTimeout, StoreUnavailable
from kjournal.store.elasticsearch.hits import answer_of, record_of
from kjournal.store.elasticsearch.position import (
    ElasticsearchPosition,
    IndexPlace,
    ShardPosition,
)
from kjournal.store.elasticsearch.snapshot import Snapshot, ranks_of

SHARDS = {"total": 2, "successful": 2, "skipped": 0, "failed": 0}
HIT = {
    "_index": "i",
    "_id": "x",
    "_version": 2,
    "_seq_no": 7,
    "_primary_term": 1,
    "_source": {"t": "no time", "u": {"at": "2026-01-01T00:00:00.000001Z"}},
    "sort": [5, (1 << 32) + 9],
}


def body(*hits: Any, **more: Any) -> dict[str, Any]:
    return {"timed_out": False, "_shards": SHARDS, "hits": {"hits": list(hits)}, **more}


def test_a_record() -> None:
    """The event time is the first that is one; a version above 1 is an update."""
    [hit] = answer_of(body(HIT)).hits
    record = record_of(hit, ("t", "u.at"))
    assert (record.index, record.id, record.updated) == ("i", "x", True)
    assert record.time_us == 1_767_225_600_000_001
    assert record.sort == (5, (1 << 32) + 9)
    assert record_of(hit, ("t",)).time_us == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (body(timed_out=True), StoreTimeout),
        (body(_shards={**SHARDS, "failed": 1}), StoreUnavailable),
        (body({"_id": "x"}), StoreUnavailable),
        (body({**HIT, "_source": "text"}), StoreUnavailable),
        (body(hits={}), StoreUnavailable),
        ({}, StoreUnavailable),
        ([], StoreUnavailable),
        ("text", StoreUnavailable),
        (None, StoreUnavailable),
    ],
)
def test_no_whole_answer(answer: Any, kind: type[StoreError]) -> None:
    """What is partial, or no search answer, is never an empty list."""
    with pytest.raises(kind):
        answer_of(answer)


LAYOUT = {"a": IndexPlace("1", 1), "b": IndexPlace("2", 3), "c": IndexPlace("3", 1)}


def test_the_shard_of_a_hit() -> None:
    """Shards are ranked by number, then by index."""
    assert ranks_of(LAYOUT) == {"b": [1, 3, 4]}
    [hit] = answer_of(body({**HIT, "_index": "b", "sort": [0, 3 << 32]})).hits
    snapshot = Snapshot(pit="p", ranks=ranks_of(LAYOUT))
    assert snapshot.shard_of(hit) == 1
    [other] = answer_of(body({**HIT, "_index": "b", "sort": [0, 2 << 32]})).hits
    with pytest.raises(StoreUnavailable):
        snapshot.shard_of(other)
    [told] = answer_of(body({**HIT, "_shard": "[i][2]"})).hits
    assert snapshot.shard_of(told) == 2
    assert Snapshot(pit="p").shard_of(hit) == 0


def test_what_a_snapshot_shows() -> None:
    """Only what the one position has seen, and the other has not."""
    seven = ShardPosition().learned([(7, 1)])
    position = ElasticsearchPosition(layout={"i": IndexPlace("1", 1)}, shards={("1", 0): seven})
    seen, new = answer_of(body(HIT, {**HIT, "_seq_no": 8})).hits
    at, beyond = Snapshot(pit="p", at=position), Snapshot(pit="p", beyond=position)
    assert [at.shows(hit, 0, 0) for hit in (seen, new)] == [True, False]
    assert [beyond.shows(hit, 0, 0) for hit in (seen, new)] == [False, True]
    assert not Snapshot(pit="p", at=position.only(frozenset())).shows(seen, 0, 0)


def test_what_a_snapshot_shows_by_time() -> None:
    """An index without numbers is shown whole, or from the overlap before its horizon on."""
    place = IndexPlace("1", 1, numbered=False)
    position = ElasticsearchPosition(layout={"i": place}, shards={}, horizons={"1": 100})
    [hit] = answer_of(body(HIT)).hits
    assert Snapshot(pit="p", at=position).shows(hit, 0, 10)
    beyond = Snapshot(pit="p", beyond=position)
    assert [beyond.shows(hit, time, 10) for time in (89, 90, 200)] == [False, True, True]


def test_a_snapshot_as_text() -> None:
    """It reads back as it was; anything else is expired."""
    position = ElasticsearchPosition(
        layout={"i": IndexPlace("1", 2), "t": IndexPlace("2", 1, numbered=False)},
        shards={("1", 1): ShardPosition(settled=4).learned([(7, 1), (8, 1), (11, 2)])},
        horizons={"2": 5},
    )
    snapshot = Snapshot(pit="p", ranks={"b": [1, 2]}, at=position, beyond=position, nanos=True)
    assert Snapshot.decode(snapshot.encode()) == snapshot
    assert Snapshot.decode(Snapshot(pit="p").encode()) == Snapshot(pit="p")
    for text in ("", "x", "[]", "{}", '["p", [], [], 0, 0]', '["p", {"b": 1}, [], 0, 0]'):
        with pytest.raises(CursorExpired):
            Snapshot.decode(text)
