"""Polls: what they cost, how they begin, and what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.store.elasticsearch import position as arithmetic
from kjournal.store.elasticsearch import settling as module
from kjournal.store.elasticsearch.position import ElasticsearchPosition
from tests.fakes.elasticsearch_cluster import MemoryCluster, polled, tailing
from tests.fakes.replicated_shard import Copy, ReplicatedShard


def test_nothing_new_is_cheap() -> None:
    """A poll that brings nothing is one search for each number of a shard."""
    cluster = MemoryCluster()
    cluster.create("a")
    cluster.create("b", 3)
    cluster.indices["a"].shards[0] = {0: ("x", 1)}
    tail = tailing(cluster)
    position = polled(tail, None).position
    cluster.searches = 0
    batch = polled(tail, position)
    assert (batch.records, batch.more, cluster.searches) == ([], False, 3)


@given(st.sets(st.integers(0, 40)))
def test_a_tail_begins_with_what_is_visible(numbers: set[int]) -> None:
    """The first position has seen what is visible, with its holes, and nothing else."""
    cluster = MemoryCluster()
    cluster.create("a")
    cluster.indices["a"].shards[0] = {number: (str(number), 1) for number in numbers}
    position = polled(tailing(cluster), None).position
    assert isinstance(position, ElasticsearchPosition)
    seen = {number for number in range(50) if position.saw("a", 0, (number, 1))}
    assert seen == numbers


def test_a_page_at_a_time() -> None:
    """What is new comes in batches that are bounded, and says that there is more."""
    cluster = MemoryCluster()
    cluster.create("a")
    tail = tailing(cluster)
    position = polled(tail, None).position
    cluster.indices["a"].shards[0] = {number: (str(number), 1) for number in range(30)}
    sizes = []
    for _ in range(10):
        batch = polled(tail, position)
        sizes.append(len(batch.records))
        position = batch.position
        if not batch.more:
            break
    assert sum(sizes) == 30
    assert max(sizes) <= 8


def test_no_index_is_said() -> None:
    """A pattern without an index warns, at the start and at each poll."""
    tail = tailing(MemoryCluster())
    first = polled(tail, None)
    assert first.warnings == polled(tail, first.position).warnings == ('no index matches "*"',)


def test_a_checkpoint_waits_for_a_later_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a primary has, and no view shows yet, is not settled by the view of the same moment."""
    monkeypatch.setattr(arithmetic, "_READ_SPANS", 0)
    cluster, shard = MemoryCluster(), ReplicatedShard([Copy()])
    cluster.create("a")
    tail = tailing(cluster)
    position = polled(tail, None).position
    got = []

    def poll() -> None:
        nonlocal position
        cluster.indices["a"].shards[0] = shard.copies[0].visible
        cluster.readings = {("uuid-1", 0): shard.reading}
        batch = polled(tail, position)
        got.extend(record.id for record in batch.records)
        position = batch.position

    for id in ("zero", "one", "two"):
        shard.write(id, id)
    shard.spread(lambda _, number: number != 1)
    shard.copies[0].refresh()
    poll()
    shard.spread(lambda _, number: True)
    poll()
    poll()
    assert got == ["zero", "two"]
    shard.copies[0].refresh()
    poll()
    assert got == ["zero", "two", "one"]
    shard.write("three", "three")
    shard.spread(lambda _, number: True)
    shard.copies[0].refresh()
    poll()
    assert isinstance(position, ElasticsearchPosition)
    assert position.shard("a", 0).settled == 2


def test_without_checkpoints_marks_follow_at_a_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the primaries do not tell, what is far below the highest number is settled."""
    monkeypatch.setattr(module, "SETTLE_DEPTH", 5)
    monkeypatch.setattr(arithmetic, "_READ_NUMBERS", 3)
    cluster = MemoryCluster(readings=None)
    cluster.create("a")
    tail = tailing(cluster, max_page=100)
    position = polled(tail, None).position
    cluster.indices["a"].shards[0] = {number: (str(number), 1) for number in range(9)}
    for _ in range(3):
        cluster.indices["a"].shards[0][len(cluster.indices["a"].shards[0])] = "x", 1
        position = polled(tail, position).position
    assert isinstance(position, ElasticsearchPosition)
    assert position.shard("a", 0).settled == 11 - 5
