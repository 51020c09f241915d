"""From a body to the sink and to the answer, in slices: memory is bounded, the reactor stays free.

A slice is durable before the next is parsed. If the sink fails, what was stored stays stored, and
each item says which it is; if it fails at once, the whole request fails.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kjournal.errors import StoreError
from kjournal.ingest.bulk import Item, item_of_entry, parse_bulk, refused, stored
from kjournal.ingest.errors import BulkError, reason_of, too_large
from kjournal.store.interfaces import IDocumentSink, Written

SLICE_ITEMS = 1000
MAX_ITEMS = 100_000
"""In one request. Each item has its answer, which may be longer than itself."""
_STEP_ITEMS = 500


class BulkWriter:
    """Writes the items of bulk requests to a sink."""

    def __init__(self, sink: IDocumentSink, clock: IReactorTime) -> None:
        self._sink = sink
        self._clock = clock

    async def write(self, body: bytes, default_index: str) -> list[dict[str, Any]]:
        """Return the answer for each item, in their order, when all are safe.

        Raises: BulkError for a malformed request or one of more than MAX_ITEMS, of which nothing is
        written; StoreError if nothing could be written.
        """
        await self._check(body, default_index)
        answers: list[dict[str, Any]] = []
        any_stored = False
        entries = parse_bulk(body, default_index)
        while items := [item_of_entry(entry) for entry in islice(entries, SLICE_ITEMS)]:
            try:
                answers += _answers(items, await self._store(items))
                any_stored = True
            except StoreError as error:
                if not any_stored:
                    raise
                reason = reason_of(error)
                answers += [refused(item, item.refusal or reason) for item in items]
            await self._breathe()
        return answers

    async def _check(self, body: bytes, default_index: str) -> None:
        entries = parse_bulk(body, default_index)
        count = 0
        while step := sum(1 for _ in islice(entries, 5 * _STEP_ITEMS)):
            count += step
            if count > MAX_ITEMS:
                raise BulkError(too_large(f"{MAX_ITEMS} items"))
            await self._breathe()

    async def _store(self, items: Sequence[Item]) -> Iterator[Written]:
        documents = [item.new for item in items if item.new is not None]
        return iter(await self._sink.write(documents))

    async def _breathe(self) -> None:
        await deferLater(self._clock, 0)


def _answers(items: Sequence[Item], written: Iterator[Written]) -> list[dict[str, Any]]:
    return [
        stored(item, next(written)) if item.refusal is None else refused(item, item.refusal)
        for item in items
    ]
