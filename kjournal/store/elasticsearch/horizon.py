"""Indices whose sequence numbers cannot be searched: followed by event time, with an overlap.

This is not exact. A line that becomes visible later than the overlap after its event time is not
seen, and what a tail shows is not what lists at its positions leave out. Whatever is so followed
is announced in warnings, logs, metrics and readiness.
"""

from collections.abc import Mapping

import attrs

from kjournal.codec import MICROSECONDS
from kjournal.query.paths import event_time_us
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.hits import Hit
from kjournal.store.elasticsearch.matching import timed

_PAGE = 2_000
_FETCHED = 1_000
INEXACT = (
    'the index "{name}" has no searchable sequence numbers: it is followed by time, which misses '
    "lines that come later than {overlap:g} s, and may show some twice"
)

Seen = frozenset[tuple[str, int]]
"""Ids and versions of what was visible within the overlap."""


@attrs.frozen
class Progress:
    """What one reading of an index found: new hits, and how far it is followed now.

    `seen` is to be remembered once the hits are in a batch, and not before.
    """

    hits: list[Hit]
    horizon_us: int
    more: bool
    seen: Seen


class HorizonReader:
    """Follows single indices by time; what was seen within the overlap is kept here, by uuid."""

    def __init__(self, cluster: Cluster, fields: tuple[str, ...], overlap_s: float) -> None:
        self.overlap_us = int(overlap_s * MICROSECONDS)
        self._cluster, self._fields = cluster, fields
        self._seen: dict[str, Seen] = {}

    async def read(self, index: str, identity: str, horizon_us: int) -> Progress:
        """Return what is new since the horizon. With 0, nothing is: that is where a tail begins.

        Raises: StoreError.
        """
        now_us = int(self._cluster.clock.seconds() * MICROSECONDS)
        begins = horizon_us == 0
        since_us = (horizon_us or now_us) - self.overlap_us
        pit, _ = await self._cluster.open_snapshot(index)
        try:
            visible, times = await self._visible(pit, index, since_us)
            known = self._seen.get(identity, frozenset())
            new = [] if begins else [one for one in visible if one not in known]
            hits = await self._fetched(pit, index, new[:_FETCHED])
        finally:
            await self._cluster.close_snapshot(pit)
        more = len(new) > _FETCHED
        unread = frozenset(new[_FETCHED:])
        if begins:
            horizon_us = now_us
        elif not more:
            # A time that is still to come says nothing of how far the index was followed.
            horizon_us = max(horizon_us, *(time_us for time_us in times if time_us <= now_us), 0)
        return Progress(hits, horizon_us, more, frozenset(visible) - unread)

    def remember(self, seen: Mapping[str, Seen]) -> None:
        """Know what was seen of each index, and nothing of any other."""
        self._seen = dict(seen)

    async def _visible(
        self, pit: str, index: str, since_us: int
    ) -> tuple[list[tuple[str, int]], list[int]]:
        """Return ids and versions of all that is not older, and their event times."""
        body: Body = {
            "size": _PAGE,
            "query": timed(self._fields, gte=since_us),
            "sort": ["_shard_doc"],
            "_source": list(self._fields),
            "version": True,
            "track_total_hits": False,
        }
        found: list[tuple[str, int]] = []
        times: list[int] = []
        while True:
            answer = await self._cluster.search_snapshot(body, pit, index=index, paging=False)
            found += [(hit.id, hit.version) for hit in answer.hits]
            times += [event_time_us(hit.document, self._fields) for hit in answer.hits]
            if len(answer.hits) < _PAGE:
                return found, times
            body["search_after"] = list(answer.hits[-1].sort)

    async def _fetched(self, pit: str, index: str, new: list[tuple[str, int]]) -> list[Hit]:
        if not new:
            return []
        body: Body = {
            "size": len(new),
            "query": {"ids": {"values": [id for id, _ in new]}},
            "version": True,
            "track_total_hits": False,
        }
        answer = await self._cluster.search_snapshot(body, pit, index=index, paging=False)
        return answer.hits
