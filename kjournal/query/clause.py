"""A clause as a test on the stored document, for filters that a store must hold exactly."""

from typing import Any

from kjournal.query.model import Clause, Document, Operator
from kjournal.query.paths import ABSENT, first_of, text_of
from kjournal.query.predicate import ordered


def clause_holds(document: Document, clause: Clause) -> bool:
    """Return whether a stored document satisfies a clause.

    The first path that is present gives the value; of an array one element is enough. GREATER and
    LESS compare numbers as numbers, timestamps as times, anything else as text.
    """
    value = first_of(document, clause.paths)
    if clause.operator is Operator.EXISTS:
        return value is not ABSENT
    if clause.operator is Operator.MISSING:
        return value is ABSENT
    texts = _texts(value)
    if clause.operator is Operator.IN:
        return any(text in clause.values for text in texts)
    if clause.operator is Operator.NOT_IN:
        return not any(text in clause.values for text in texts)
    return any(ordered(text, clause.operator, clause.values[0]) for text in texts)


def _texts(value: Any) -> list[str]:
    elements = value if isinstance(value, list) else [value]
    return [text for text in map(text_of, elements) if text is not None]
