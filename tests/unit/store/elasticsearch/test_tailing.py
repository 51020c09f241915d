"""Polls over views that are no prefix of the numbers: each document once, whatever happens."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kjournal.query.model import Batch, Position
from kjournal.store.elasticsearch import position as arithmetic
from kjournal.store.elasticsearch.position import SETTLE_DEPTH, ElasticsearchPosition
from kjournal.store.elasticsearch.tailing import Tailing
from kjournal.store.interfaces import Source
from tests.fakes.elasticsearch_cluster import MemoryCluster
from tests.results import success

DEPTH = 30


def tailing(cluster: MemoryCluster, max_page: int = 7) -> Tailing:
    fake: Any = cluster
    return Tailing(fake, Source(kind="logs", index="*", max_page=max_page))


def polled(tail: Tailing, position: Position | None) -> Batch:
    work = tail.start() if position is None else tail.next(position)  # type: ignore[arg-type]
    batch: Batch = success(work)
    return batch


class Disorder(RuleBasedStateMachine):
    """Documents that appear out of order, crashes that lose some, indices that come and go.

    Within DEPTH of the highest number: what appears deeper than that is lost by design.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cluster = MemoryCluster()
        self.given: dict[tuple[str, int], int] = {}
        self.term: dict[tuple[str, int], int] = {}
        self.pending: dict[tuple[str, int], list[tuple[int, str]]] = {}
        self.written = 0
        self.delivered: list[str] = []
        self.before: set[str] = set()
        self.shown: set[str] = set()
        self.tail = tailing(self.cluster)
        self.create("a", 1)
        self.create("b", 3)
        self.position: Position | None = None

    @rule(name=st.sampled_from(["a", "b", "c"]), shards=st.integers(1, 3))
    def create(self, name: str, shards: int) -> None:
        self.cluster.create(name, shards)
        for key in [key for key in self.given if key[0] == name]:
            del self.given[key], self.term[key], self.pending[key]
        for number in range(shards):
            key = name, number
            self.given[key], self.term[key], self.pending[key] = 0, 1, []

    @rule(data=st.data(), count=st.integers(1, 9))
    def write(self, data: st.DataObject, count: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.given)))
        for _ in range(count):
            self.written += 1
            self.pending[key].append((self.given[key], f"d{self.written}"))
            self.given[key] += 1
        self._refresh(key, lambda _: data.draw(st.booleans()))

    def _refresh(self, key: tuple[str, int], shows: Any) -> None:
        visible = self.cluster.indices[key[0]].shards[key[1]]
        for number, id in list(self.pending[key]):
            deep = number < self.given[key] - DEPTH // 2
            if deep or shows(number):
                self.pending[key].remove((number, id))
                visible[number] = id, self.term[key]
                self.shown.add(id)

    @rule(data=st.data(), lost=st.integers(0, 9))
    def crash(self, data: st.DataObject, lost: int) -> None:
        """The last numbers are gone, visible or not, and given to others under a higher term."""
        key = data.draw(st.sampled_from(sorted(self.given)))
        self._refresh(key, lambda _: True)
        visible = self.cluster.indices[key[0]].shards[key[1]]
        self.given[key] = max(0, self.given[key] - lost)
        self.term[key] += 1
        for number in [number for number in visible if number >= self.given[key]]:
            del visible[number]

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.given)))
        visible = self.cluster.indices[key[0]].shards[key[1]]
        if visible:
            del visible[data.draw(st.sampled_from(sorted(visible)))]

    @rule()
    def poll(self) -> None:
        if self.position is None:
            self.before = self._visible()
            self.position = polled(self.tail, None).position
            return
        for _ in range(100):
            batch = polled(self.tail, self.position)
            self.delivered += [record.id for record in batch.records]
            self.position = batch.position
            if not batch.more:
                break
        assert not batch.more
        # All that is visible was delivered, or was there before.
        assert self._visible() <= self.before | set(self.delivered)

    def _visible(self) -> set[str]:
        indices = self.cluster.indices.values()
        return {id for one in indices for shard in one.shards for id, _ in shard.values()}

    @invariant()
    def nothing_twice(self) -> None:
        assert len(self.delivered) == len(set(self.delivered))
        assert not self.before & set(self.delivered)
        assert set(self.delivered) <= self.shown


class TestDisorder(Disorder.TestCase):  # type: ignore[name-defined,misc]
    """Hypothesis runs its machines as a TestCase."""

    settings = settings(max_examples=80, stateful_step_count=40, deadline=None)

    def runTest(self) -> None:
        depth, arithmetic.SETTLE_DEPTH = SETTLE_DEPTH, DEPTH
        try:
            super().runTest()
        finally:
            arithmetic.SETTLE_DEPTH = depth


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
