"""The clauses of a source, exact on each document and part of each query."""

import attrs

from kjournal.query.clause import clause_holds
from kjournal.query.model import Clause, Document, Query
from kjournal.store.interfaces import Source

_KEYWORD = ".keyword"


@attrs.frozen
class SourceFilter:
    """What every record of a source satisfies."""

    clauses: tuple[Clause, ...]

    @classmethod
    def of(cls, source: Source) -> "SourceFilter":
        """Return the filter of a source."""
        return cls(tuple(map(whole_valued, source.filter)))

    def holds(self, document: Document) -> bool:
        """Return whether a stored document satisfies all clauses."""
        return all(clause_holds(document, clause) for clause in self.clauses)

    def narrowed(self, query: Query) -> Query:
        """Return the query with these clauses too."""
        clauses = tuple(map(whole_valued, query.clauses)) + self.clauses
        return attrs.evolve(query, clauses=clauses)


def whole_valued(clause: Clause) -> Clause:
    """Return a clause that finds in documents what a `.keyword` subfield indexes.

    Field maps may name such a subfield; no document has it.
    """
    paths: list[str] = []
    for path in clause.paths:
        paths.append(path)
        if path.endswith(_KEYWORD):
            paths.append(path.removesuffix(_KEYWORD))
    return attrs.evolve(clause, paths=tuple(dict.fromkeys(paths)))
