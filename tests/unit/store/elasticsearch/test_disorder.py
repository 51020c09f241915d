"""Polls over copies that differ, crash and catch up: each document once, whatever happens."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kjournal.query.model import Position
from kjournal.store.elasticsearch import position as arithmetic
from tests.fakes.elasticsearch_cluster import MemoryCluster, polled, tailing
from tests.fakes.replicated_shard import Copy, ReplicatedShard

Key = tuple[str, int]


class Disorder(RuleBasedStateMachine):
    """Documents in any order, on copies that lag, with failovers; indices that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = MemoryCluster()
        self.shards: dict[Key, ReplicatedShard] = {}
        self.written = 0
        self.delivered: list[str] = []
        self.before: set[str] = set()
        self.tail = tailing(self.cluster)
        self.copy = 0
        self.create("a", 1)
        self.create("b", 2)
        self.position: Position | None = None

    @rule(name=st.sampled_from(["a", "b", "c"]), shards=st.integers(1, 2))
    def create(self, name: str, shards: int) -> None:
        self.cluster.create(name, shards)
        self.shards = {key: one for key, one in self.shards.items() if key[0] != name}
        for number in range(shards):
            self.shards[name, number] = ReplicatedShard([Copy(), Copy()])

    def _shard(self, data: st.DataObject) -> ReplicatedShard:
        return self.shards[data.draw(st.sampled_from(sorted(self.shards)))]

    @rule(data=st.data(), count=st.integers(1, 9))
    def write(self, data: st.DataObject, count: int) -> None:
        shard = self._shard(data)
        for _ in range(count):
            self.written += 1
            shard.write(f"d{self.written}", f"d{self.written}v1")

    @rule(data=st.data(), deletes=st.booleans())
    def change(self, data: st.DataObject, deletes: bool) -> None:
        shard = self._shard(data)
        ids = sorted(id for id, label, _ in shard.log.values() if label)
        if ids:
            self.written += 1
            id = data.draw(st.sampled_from(ids))
            shard.write(id, "" if deletes else f"{id}v{self.written}")

    @rule(data=st.data(), everything=st.booleans())
    def spread(self, data: st.DataObject, everything: bool) -> None:
        """Operations reach some copies; those behind may overtake those before."""
        reaches = st.booleans()
        self._shard(data).spread(lambda _at, _number: everything or data.draw(reaches))

    @rule(data=st.data(), at=st.integers(0, 1))
    def refresh(self, data: st.DataObject, at: int) -> None:
        self._shard(data).copies[at].refresh()

    @rule(data=st.data())
    def fail_over(self, data: st.DataObject) -> None:
        self._shard(data).fail_over(data.draw(st.integers(0, 1)))

    @rule(at=st.integers(0, 1))
    def other_copy_answers(self, at: int) -> None:
        self.copy = at

    @precondition(lambda self: self.position is not None or self.written > 3)
    @rule(data=st.data())
    def poll(self, data: st.DataObject) -> None:
        self._show()
        refreshed = data.draw(st.booleans())
        self.cluster.after_reading = self._refresh_all if refreshed else lambda: None
        if self.position is None:
            self.before = self._visible()
            self.position = polled(self.tail, None).position
            return
        for _ in range(200):
            batch = polled(self.tail, self.position)
            self.delivered += [record.id for record in batch.records]
            self.position = batch.position
            if not batch.more:
                break
        assert not batch.more

    @rule()
    def settle_down(self) -> None:
        """Once all copies have everything, all that is visible was delivered, or was before."""
        for shard in self.shards.values():
            shard.spread(lambda _at, _number: True)
        self._refresh_all()
        if self.position is not None:
            self._poll_quietly()
            assert self._visible() <= self.before | set(self.delivered)

    def _poll_quietly(self) -> None:
        self.cluster.after_reading = lambda: None
        more = True
        while more:
            batch = polled(self.tail, self.position)
            self.delivered += [record.id for record in batch.records]
            self.position, more = batch.position, batch.more

    def _refresh_all(self) -> None:
        for shard in self.shards.values():
            for copy in shard.copies:
                copy.refresh()
        self._show()

    def _show(self) -> None:
        """Have the chosen copies answer, and the primaries be read."""
        self.cluster.readings = {}
        for (name, number), shard in self.shards.items():
            index = self.cluster.indices[name]
            index.shards[number] = shard.copies[self.copy].visible
            self.cluster.readings[index.uuid, number] = shard.reading

    def _visible(self) -> set[str]:
        indices = self.cluster.indices.values()
        return {id for one in indices for shard in one.shards for id, _ in shard.values()}

    @invariant()
    def nothing_twice(self) -> None:
        assert len(self.delivered) == len(set(self.delivered))
        assert not self.before & set(self.delivered)


class TestDisorder(Disorder.TestCase):  # type: ignore[name-defined,misc]
    """Hypothesis runs its machines as a TestCase."""

    settings = settings(max_examples=100, stateful_step_count=50, deadline=None)

    @pytest.fixture(autouse=True)
    def _settling_soon(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(arithmetic, "_READ_NUMBERS", 2)
        monkeypatch.setattr(arithmetic, "_READ_SPANS", 0)
