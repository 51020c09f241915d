"""The values between a store and the rest: records, pages, batches, and queries."""

from enum import Enum
from typing import Any, NewType

import attrs

Document = dict[str, Any]
"""What a shipper stored: JSON of any shape."""

Position = NewType("Position", object)
"""What a tail has seen of a store. Only the store that made it looks inside."""

SortValue = str | int | float | bool | None


@attrs.frozen(kw_only=True)
class Record:
    """One stored document with its identity and its place in the order of lists.

    `index` and `id` together are unique in the store. `time_us` is the event time, microseconds
    since the epoch; 0 where no timestamp field holds one. `sort` is the store's own key.
    `updated` says that the document replaces an earlier version of itself.
    """

    index: str
    id: str
    time_us: int
    document: Document
    sort: tuple[SortValue, ...] = ()
    updated: bool = False


class Operator(Enum):
    """How a clause or a requirement compares; both have the same operators."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    MISSING = "!"
    GREATER = ">"
    LESS = "<"


@attrs.frozen
class Clause:
    """Something about the stored document that holds for every record that is wanted.

    `paths` are tried in their order, the first that is present gives the value; values are compared
    as text (numbers and booleans as JSON writes them). NOT_IN holds where no path is present.
    A store uses clauses to fetch less. It may return more than they allow, never less.
    """

    paths: tuple[str, ...]
    operator: Operator
    values: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Query:
    """What is asked of a store: all clauses, and event time in [since_us, until_us).

    With `id` only records with that id are asked for, by a keyed read. `counted` asks how many
    there are in all, as far as that costs little.
    """

    id: str | None = None
    clauses: tuple[Clause, ...] = ()
    since_us: int | None = None
    until_us: int | None = None
    counted: bool = False


@attrs.frozen(kw_only=True)
class PageStart:
    """Where a page begins: just after the record with this sort key, in this snapshot.

    `snapshot` is the store's own handle on a point in time.
    """

    snapshot: str
    after: tuple[SortValue, ...]


@attrs.frozen(kw_only=True)
class Page:
    """0..limit records, oldest first, out of one snapshot; `more` is False at its end.

    `total` is how many the query selects in the snapshot, all pages together, if that was asked for
    and they are no more than COUNTED: an estimate, as a store may count what a page leaves out.
    """

    records: list[Record]
    snapshot: str
    more: bool
    warnings: tuple[str, ...] = ()
    total: int | None = None


COUNTED = 10_000
"""Records beyond so many are not counted: Elasticsearch's own bound, beyond which it costs."""


@attrs.frozen(kw_only=True)
class Batch:
    """What became visible since a position, in the order to publish it.

    `position` covers exactly these records and all before; `more` says that another poll at once
    would bring more. `unsettled` is how many numbers the position holds one by one, `inexact` how
    many indices can only be followed by time.
    """

    records: list[Record]
    position: Position
    more: bool = False
    warnings: tuple[str, ...] = ()
    unsettled: int = 0
    inexact: int = 0
