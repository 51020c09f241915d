"""Objects of a view out of a store's pages: what the predicate lets through, until enough."""

import attrs
from twisted.internet.task import deferLater

from kjournal.api.resource import Resource
from kjournal.errors import Cause, Timeout
from kjournal.kinds.meta import index_digest, parse_name
from kjournal.kinds.model import Object
from kjournal.query.model import PageStart, Position, Query, Record
from kjournal.query.predicate import predicate_of
from kjournal.query.view import View
from kjournal.tail.events import SLICE
from kjournal.tail.journal import Checkpoint

# How long to wait for a resourceVersion that another replica's clock is ahead with.
_AHEAD_S, _AHEAD_STEP_S = 3.0, 0.1

Placed = tuple[Object, int]
"""An object and its event time in microseconds."""


class ListReader:
    """Reads a view exactly at a checkpoint, slice after slice.

    After the last slice `next_start` is where a following page begins, or None at the end. `total`
    is how many there are in all, if the query asks for it and the store can tell.
    """

    def __init__(
        self,
        resource: Resource,
        asked: tuple[View, Query],
        version: int,
        *,
        at: Position | None = None,
        limit: int = 0,
        start: PageStart | None = None,
    ) -> None:
        """Begin at the position `at`, or go on at `start`; objects' versions end at `version`."""
        self.warnings: tuple[str, ...] = ()
        self.total: int | None = None
        self.next_start = start
        self._resource, self._version, self._at = resource, version, at
        view, self._query = asked
        self._holds = predicate_of(view)
        self._left = limit or None
        self._ask = min(limit or self._page_size, self._page_size)
        self._records: list[Record] = []
        self._snapshot = start.snapshot if start else ""
        self._more = True

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return not self._more and not self._records

    async def next_slice(self) -> list[Placed] | None:
        """Return 1..SLICE objects, or None at the end.

        Raises: StoreError; then nothing that was returned is whole.
        """
        while self._left != 0:
            if not self._records and not await self._fetch():
                return None
            found = self._take()
            await deferLater(self._resource.clock, 0)
            if found:
                return found
        return None

    def _take(self) -> list[Placed]:
        slice_, self._records = self._records[:SLICE], self._records[SLICE:]
        found = []
        for at, record in enumerate(slice_):
            self.next_start = PageStart(snapshot=self._snapshot, after=record.sort)
            placed = place(self._resource, record, self._version)
            if placed is not None and self._holds(*placed):
                found.append(placed)
                if self._left is not None:
                    self._left -= 1
                    if self._left == 0:
                        self._records = slice_[at + 1 :] + self._records
                        break
        if not self._records and not self._more:
            self.next_start = None
        return found

    async def _fetch(self) -> bool:
        if not self._more:
            self.next_start = None
            return False
        page = await self._resource.store.list_page(
            self._query,
            limit=self._ask,
            at=self._at,
            after=self.next_start,
        )
        # Where the store cannot select as the view does, a page of one brings one candidate.
        self._ask = min(self._ask * 4, self._page_size)
        self.warnings += page.warnings
        if self._query.counted:
            self.total, self._query = page.total, attrs.evolve(self._query, counted=False)
        self._records, self._snapshot, self._more = page.records, page.snapshot, page.more
        if not self._records:
            self._more = False
            self.next_start = None
        return bool(self._records)

    @property
    def _page_size(self) -> int:
        return self._resource.settings.bulk_size

    def release(self) -> None:
        """Give the snapshot up; whoever goes on from next_start must not."""
        snapshot, self._snapshot = self._snapshot, ""
        if snapshot:
            self._resource.release(snapshot)


async def checkpoint_from(resource: Resource, wanted: int) -> Checkpoint:
    """Return a fresh checkpoint that is not older than a resourceVersion.

    Another replica's clock may be ahead, so that it is waited for.
    Raises: StoreError; Timeout for a resourceVersion that does not come.
    """
    waited_s = 0.0
    while True:
        checkpoint = await resource.tail.checkpoint()
        if checkpoint.resource_version >= wanted:
            return checkpoint
        if waited_s >= _AHEAD_S:
            # This wording is matched by clients of old servers (client-go's reflector).
            cause = Cause("ResourceVersionTooLarge", "Too large resource version")
            current = checkpoint.resource_version
            message = f"Too large resource version: {wanted}, current: {current}"
            raise Timeout(message, causes=[cause], retry_after_s=1)
        await deferLater(resource.clock, _AHEAD_STEP_S)
        waited_s += _AHEAD_STEP_S


def place(resource: Resource, record: Record, limit: int) -> Placed | None:
    """Return a record as lists and gets show it, or None if it belongs to nobody.

    Its resourceVersion is its event time, the same in every reading, but never above `limit`.
    """
    version = max(1, min(record.time_us, limit))
    obj = resource.mapping.object_of(record, version)
    if obj is None:
        resource.tail.figures.unplaced += 1
        return None
    return obj, record.time_us


async def find(resource: Resource, name: str, view: View) -> Placed | None:
    """Return the object of that name if it is in the view, by one keyed read of the store.

    Raises: StoreError.
    """
    parsed = parse_name(name)
    if parsed is None:
        return None
    document_id, digest = parsed
    holds = predicate_of(view)
    for record in await resource.store.get_records(document_id):
        if index_digest(record.index) == digest:
            placed = place(resource, record, resource.now_us())
            if placed is not None and holds(*placed):
                return placed
    return None
