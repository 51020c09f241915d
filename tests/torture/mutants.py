"""The stream with one mechanism switched off: each must turn a scenario red."""

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from kjournal.query.model import Page, Position
from kjournal.store.elasticsearch import hits, tailing
from kjournal.store.elasticsearch.horizon import HorizonReader
from kjournal.store.elasticsearch.layout import LayoutReader
from kjournal.store.elasticsearch.position import Layout, Pair, Reading, ShardPosition
from kjournal.store.elasticsearch.snapshot import Snapshot
from kjournal.store.elasticsearch.store import ElasticsearchStore
from kjournal.tail.journal import Journal


@attrs.frozen(kw_only=True)
class Mutant:
    """What is switched off, how, and the scenario that must show it."""

    name: str
    doc: str
    scenario: str
    patch: Callable[[], None]
    seconds: float = 15.0


def _replace(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more: mend this mutant"
    setattr(owner, name, value)


def _cursor() -> None:
    """Settle at the highest number that was seen, as a tailer with one cursor does."""
    learned = ShardPosition.learned

    def settled(self: ShardPosition, pairs: Iterable[Pair]) -> ShardPosition:
        those = list(pairs)
        return learned(self, those).settle(max((number for number, _ in those), default=-1))

    _replace(ShardPosition, "learned", settled)


def _no_terms() -> None:
    """Know documents by their numbers alone."""
    hit_of = hits._hit_of
    _replace(hits, "_hit_of", lambda hit: attrs.evolve(hit_of(hit), term=1))


def _no_evidence() -> None:
    """Settle at the global checkpoint as soon as it is read."""

    def read(self: ShardPosition, reading: Reading) -> ShardPosition:
        return self.settle(reading.checkpoint)

    _replace(ShardPosition, "read", read)


def _no_uuid() -> None:
    """Know indices by their names."""
    read = LayoutReader.read

    async def by_name(self: LayoutReader) -> Layout:
        layout = await read(self)
        return {name: attrs.evolve(place, identity=name) for name, place in layout.items()}

    _replace(LayoutReader, "read", by_name)


def _no_shard() -> None:
    """Take every hit of a list for one of shard 0."""
    _replace(Snapshot, "shard_of", lambda self, hit: 0)


def _no_overlap() -> None:
    """Follow an index without numbers from the latest time that was seen."""
    init = HorizonReader.__init__

    def without(self: HorizonReader, cluster: Any, fields: Any, overlap_s: float) -> None:
        init(self, cluster, fields, 0.0)

    _replace(HorizonReader, "__init__", without)


def _no_position() -> None:
    """List what is visible now, whatever the resourceVersion says."""
    list_page = ElasticsearchStore.list_page

    async def anything(self: ElasticsearchStore, query: Any, **more: Any) -> Page:
        return await list_page(self, query, **{**more, "at": None})

    _replace(ElasticsearchStore, "list_page", anything)


def _no_foreigners() -> None:
    """Take each resourceVersion for one of this process."""
    _replace(Journal, "minted", lambda self, resource_version: True)


def _no_arrivals() -> None:
    """Begin where this process is, wherever another one was."""

    async def now(self: ElasticsearchStore, time_us: int) -> Position:
        return (await self.poll(None)).position

    _replace(ElasticsearchStore, "position_before", now)


def _no_witness() -> None:
    """Believe that known numbers were given to nobody else, whatever is visible."""
    _replace(ShardPosition, "trusts", lambda self, top: True)


def _no_same_index() -> None:
    """Believe that indices are the same before and after a search."""
    _replace(tailing, "unchanged", lambda before, after: frozenset(after))


MUTANTS = {
    mutant.name: mutant
    for mutant in (
        Mutant(
            name="cursor",
            doc="settled mark: a cursor at the highest number seen",
            scenario="two-replicas",
            patch=_cursor,
        ),
        Mutant(
            name="terms",
            doc="primary terms: numbers alone",
            scenario="all-nodes-killed",
            patch=_no_terms,
        ),
        Mutant(
            name="evidence",
            doc="evidence: settled at the global checkpoint at once",
            scenario="two-replicas",
            patch=_no_evidence,
        ),
        Mutant(
            name="uuid",
            doc="uuid of the index: names",
            scenario="index-deleted",
            patch=_no_uuid,
        ),
        Mutant(
            name="shard",
            doc="shard of a hit in lists: 0",
            scenario="multi-shard",
            patch=_no_shard,
        ),
        Mutant(
            name="overlap",
            doc="overlap of indices without numbers: none",
            scenario="no-sequence-numbers",
            patch=_no_overlap,
        ),
        Mutant(
            name="position",
            doc="lists at a position: at what is visible",
            scenario="steady",
            patch=_no_position,
        ),
        Mutant(
            name="foreigners",
            doc="telling other processes' numbers: all are ours",
            scenario="two-gateways-replicas",
            patch=_no_foreigners,
        ),
        Mutant(
            name="arrivals",
            doc="positions by time: now",
            scenario="gateway-killed",
            patch=_no_arrivals,
        ),
        Mutant(
            name="witness",
            doc="the witness: trusted always",
            scenario="all-nodes-killed",
            patch=_no_witness,
        ),
        Mutant(
            name="unchanged",
            doc="the layout after a search: not compared",
            scenario="index-deleted",
            patch=_no_same_index,
        ),
    )
}
