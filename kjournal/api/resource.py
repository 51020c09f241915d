"""One kind as it is served: the kind, its store, its mapping and its tail, wired together."""

import attrs
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from kjournal.codec import MICROSECONDS
from kjournal.config.model import APISettings
from kjournal.kinds.mapping import Mapping
from kjournal.kinds.meta import parse_name
from kjournal.kinds.model import Kind
from kjournal.query.clauses import query_of
from kjournal.query.daterange import parse_moment_us
from kjournal.query.model import Query
from kjournal.query.view import View
from kjournal.store.interfaces import IStore
from kjournal.tail.tail import Tail

CLOSING_S = 5.0
_NOBODY = ""
"""No document has this id."""


def _id_of(name: str) -> str:
    parsed = parse_name(name)
    return _NOBODY if parsed is None else parsed[0]


@attrs.frozen(kw_only=True)
class Resource:
    """What the verbs need of a kind."""

    kind: Kind
    store: IStore
    mapping: Mapping
    tail: Tail
    settings: APISettings
    clock: IReactorTime
    closings: set[Deferred[None]] = attrs.field(factory=set, eq=False)

    def query(self, view: View, now_us: int) -> Query:
        """Return what to ask the store for, with the default time range as of that time.

        A view of one name is looked up by it, however old what it names is.
        """
        if view.name is not None:
            query = query_of(view, self.mapping.fields, None)
            return attrs.evolve(query, id=_id_of(view.name))
        since_us = parse_moment_us(self.settings.default_time_range, now_us)
        return query_of(view, self.mapping.fields, since_us)

    def release(self, snapshot: str) -> None:
        """Give a snapshot up, while the answer is on its way; stopping waits for it."""
        closing = Deferred.fromCoroutine(self.store.release(snapshot))
        closing.addTimeout(CLOSING_S, self.clock)
        # What stays open ages out in the store.
        closing.addErrback(lambda failure: failure.trap(TimeoutError, CancelledError) and None)
        self.closings.add(closing)
        closing.addBoth(lambda _: self.closings.discard(closing))

    def now_us(self) -> int:
        """Return microseconds since the epoch."""
        return int(self.clock.seconds() * MICROSECONDS)
