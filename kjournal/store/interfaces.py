"""What `api` and `tail` need of a store. The contract suite tests these sentences.

A backend is one system that holds logs (an Elasticsearch cluster, a SQLite file); a store is one
kind's part of it. Neither knows HTTP nor Kubernetes.
"""

from collections.abc import Sequence

import attrs
from zope.interface import Interface

from kjournal.query.model import (
    Batch,
    Clause,
    Document,
    Page,
    PageStart,
    Position,
    Query,
    Record,
)


@attrs.frozen(kw_only=True)
class Source:
    """Where one kind's records lie in a backend.

    `index` is an index name or pattern, or several joined by commas. `timestamp_fields` are stored
    paths, tried in order; the first that holds a time is the event time. `filter` are clauses that
    every record of the kind satisfies: they are exact, a store checks them itself.
    `max_page` bounds one answer of the backend, in records. `lookups` are the paths of clauses by
    which a store may keep the records, so as to find them again; the namespace's come first.
    """

    kind: str
    index: str
    timestamp_fields: tuple[str, ...] = ("@timestamp",)
    filter: tuple[Clause, ...] = ()
    max_page: int = 1000
    lookups: tuple[tuple[str, ...], ...] = ()


class IStore(Interface):
    """One kind's records. Every method raises a StoreError for anything but a whole answer."""

    async def list_page(
        query: Query,
        *,
        limit: int,
        at: Position | None = None,
        beyond: Position | None = None,
        after: PageStart | None = None,
    ) -> Page:
        """Return the first `limit` records after `after`, oldest event time first.

        The order is total: equal times are ordered by a tie-break unique in the snapshot. All pages
        begun from one first page show one snapshot, whatever is written meanwhile, for at least
        5 minutes after the latest of them, in every process. With `at`, only what that position has
        seen is shown, and all of it, but for what was replaced since: that is in the poll after it.
        With `beyond`, what that position has seen is left out. The snapshot keeps both: they are
        for the first page.

        With an `after` that has no snapshot a new one is begun at that sort key: nothing that
        follows it is left out, and some that were shown may be shown again.

        A page holds every record that satisfies the query, and may hold others (see Clause).
        It holds 0..min(limit, max_page) records; `more` tells whether another page may follow. The
        snapshot lives on after the last page too, until it is released or too old.
        Where nothing exists that could be searched (a pattern without an index), the page is empty
        with a warning that names the pattern.
        Raises: CursorExpired if the snapshot of `after` is gone; StoreRejected for a named index
        that is missing; else another StoreError.
        """

    async def get_records(id: str) -> list[Record]:
        """Return the records with that id, one for each index that has one: a keyed read."""

    async def poll(position: Position | None) -> Batch:
        """Return what became visible after `position`; with None, nothing but a position to start.

        Each record is in exactly one batch of a chain of polls, whatever its event time. The
        source's filter holds for each.
        """

    async def position_before(time_us: int) -> Position:
        """Return a position that has seen nothing that became visible after a time.

        It has seen most of what was visible some seconds before, as far as the store can tell.
        """

    def position_text(position: Position) -> str:
        """Return text that `position_of` makes a position of that saw the same.

        It is empty if there is no need to keep one: the store itself knows when its records came.
        """

    def position_of(text: str) -> Position:
        """Return a position, also one of another process.

        Raises: CursorExpired for text that `position_text` never gave.
        """

    async def release(snapshot: str) -> None:
        """Give up a snapshot early. Never raises a StoreError: what stays open ages out."""


class IBackend(Interface):
    """One system that holds logs."""

    def open_store(source: Source) -> IStore:
        """Return the store of one kind. Does no I/O."""

    async def check() -> None:
        """Return if the backend answers and accepts our credentials, else raise a StoreError."""

    async def close() -> None:
        """Finish what is in flight and let go of connections, files and threads."""


@attrs.frozen(kw_only=True)
class NewDocument:
    """A document to write. Without an id the sink makes one; `create` refuses to replace."""

    index: str
    document: Document
    id: str | None = None
    create: bool = False


@attrs.frozen(kw_only=True)
class Written:
    """What became of a new document: status 201 (new), 200 (replaced) or 409 (it exists)."""

    index: str
    id: str
    status: int
    version: int
    row: int


class IDocumentSink(Interface):
    """A backend that also takes documents in."""

    async def write(documents: Sequence[NewDocument]) -> list[Written]:
        """Store all documents in their order, and return when they are safe against a crash.

        Returns: one Written for each, in the same order.
        Raises: StoreError, and then none of them is stored.
        """
