"""A clause as a test on the stored document."""

from collections.abc import Iterable
from typing import Any

from kjournal.query.model import Clause, Document, Operator
from kjournal.query.paths import ABSENT, first_of, spellings, text_of
from kjournal.query.predicate import ordered


def clause_holds(document: Document, clause: Clause) -> bool:
    """Return whether a stored document satisfies a clause that a store must hold exactly: a filter.

    The first path that is present gives the value; of an array one element is enough. GREATER and
    LESS compare numbers as numbers, timestamps as times, anything else as text.
    """
    value = first_of(document, clause.paths)
    return _satisfied(clause, [] if value is ABSENT else [value])


def clause_admits(document: Document, clause: Clause) -> bool:
    """Return whether an object made of a stored document may satisfy what a query's clause is for.

    Any value at any of the paths will do, however it is spelled: which one an object shows is the
    mapping's to say, and where a path is spelled twice it may be another than the first.
    """
    values = (value for path in clause.paths for value in spellings(document, path))
    return _satisfied(clause, [value for value in values if value is not None])


def _satisfied(clause: Clause, values: list[Any]) -> bool:
    if clause.operator is Operator.EXISTS:
        return bool(values)
    if clause.operator is Operator.MISSING:
        return not values
    texts = scalars_of(values)
    if clause.operator is Operator.IN:
        return any(text in clause.values for text in texts)
    if clause.operator is Operator.NOT_IN:
        return not any(text in clause.values for text in texts)
    return any(ordered(text, clause.operator, clause.values[0]) for text in texts)


def scalars_of(values: Iterable[Any]) -> list[str]:
    """Return all scalars among values and in their arrays, as they are compared."""
    elements = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [text for text in map(text_of, elements) if text is not None]
