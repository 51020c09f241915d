"""Clauses as tests on the bytes of stored documents: cheap, and never stricter than the clause.

Documents are stored as `dump_json` writes them, so text that a document holds stands in its bytes
exactly as `dump_json` writes that text alone. A clause with several spellings (a number, a boolean)
is left to `clause_admits`.
"""

from collections.abc import Iterable

from kjournal.codec import dump_json
from kjournal.query.model import Clause, Operator

MAX_NEEDLES = 100
"""Beyond so many texts the bytes are not looked through: SQLite's limits on a query are near then,
and each text is another walk through each document.
"""

_PRESENCE = (Operator.IN, Operator.EXISTS, Operator.GREATER, Operator.LESS)


def condition(clauses: Iterable[Clause]) -> tuple[str, list[bytes]]:
    """Return SQL over `r.document` with its parameters, true for every record that is wanted."""
    tests = ["1"]
    parameters: list[bytes] = []
    for clause in clauses:
        needles = _needles(clause)
        if needles and len(parameters) + len(needles) <= MAX_NEEDLES:
            tests.append(f"({' OR '.join(['instr(r.document, ?)'] * len(needles))})")
            parameters += needles
    return " AND ".join(tests), parameters


def _needles(clause: Clause) -> list[bytes]:
    """Return bytes of which at least one stands in each wanted document; none: no test."""
    if clause.operator not in _PRESENCE:
        return []
    if clause.operator is Operator.IN and not any(map(_has_other_spellings, clause.values)):
        return [dump_json(value) for value in clause.values]
    keys = [path.rpartition(".")[2] for path in clause.paths]
    if not all(keys):
        return []
    # The last key of a path ends so, whether it stands alone or after a dot.
    return [dump_json(key)[1:] + b":" for key in keys]


def _has_other_spellings(value: str) -> bool:
    if value in ("true", "false"):
        return True
    try:
        float(value)
    except ValueError:
        return False
    return True
