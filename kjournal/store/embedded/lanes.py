"""Which records a source has, at which event time, and under which value of some paths."""

import attrs

from kjournal.codec import dump_json
from kjournal.query.clause import clause_holds
from kjournal.query.model import Document
from kjournal.query.paths import event_time_us, scalars_of, spellings
from kjournal.store.embedded.patterns import matches
from kjournal.store.interfaces import Source

RULES = 2
"""Raised whenever the code below, or what it calls, decides otherwise: old lanes are made anew."""

VALUE_CHARACTERS = 200
"""Longer values are cut in the index; the clause itself is checked on the document."""


@attrs.frozen
class Lane:
    """A source's records in the order of lists; with `paths`, those that have a value there."""

    source: Source
    paths: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What makes the same lane in another run: everything that decides about a record."""
        source = self.source
        clauses = [[c.paths, c.operator.value, c.values] for c in source.filter]
        return dump_json(
            [RULES, source.index, source.timestamp_fields, clauses, self.paths]
        ).decode()

    def time_of(self, index: str, document: Document) -> int | None:
        """Return the event time of a record of the source, or None for a record of no concern."""
        if not matches(self.source.index, index):
            return None
        if not all(clause_holds(document, clause) for clause in self.source.filter):
            return None
        return event_time_us(document, self.source.timestamp_fields)

    def values_of(self, document: Document) -> set[str]:
        """Return the values that the record is found by: all that any clause could compare."""
        if not self.paths:
            return {""}
        values = (value for path in self.paths for value in spellings(document, path))
        return {cut(text) for text in scalars_of(values)}


def cut(value: str) -> str:
    """Return a value as it stands in the index."""
    return value[:VALUE_CHARACTERS]
