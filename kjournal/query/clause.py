"""A clause as a test on the stored document."""

from kjournal.query.comparison import comparison
from kjournal.query.model import Clause, Document
from kjournal.query.paths import ABSENT, first_of, spellings


def clause_holds(document: Document, clause: Clause) -> bool:
    """Return whether a stored document satisfies a clause that a store must hold exactly: a filter.

    The first path that is present gives the value.
    """
    value = first_of(document, clause.paths)
    found = [] if value is ABSENT else [value]
    return comparison(clause.operator, clause.values)(found)


def clause_admits(document: Document, clause: Clause) -> bool:
    """Return whether an object made of a stored document may satisfy what a query's clause is for.

    Any value at any of the paths will do, however it is spelled: which one an object shows is the
    mapping's to say, and where a path is spelled twice it may be another than the first.
    """
    values = (value for path in clause.paths for value in spellings(document, path))
    found = [value for value in values if value is not None]
    return comparison(clause.operator, clause.values)(found)
