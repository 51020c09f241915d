"""A view as clauses on stored documents, for stores that can use them."""

from kjournal.query.fieldmap import FieldMap
from kjournal.query.model import Clause, Operator, Query
from kjournal.query.selectors import Requirement
from kjournal.query.view import NAMESPACE, TIME, View

# Made from a record's identity, or from its event time: not to be found under any stored path.
UNSTORED = frozenset({"metadata.name", "metadata.uid", "metadata.resourceVersion", TIME})


def query_of(view: View, fields: FieldMap, default_since_us: int | None) -> Query:
    """Return what to ask a store for: every record in the view, and as few others as it can say.

    The default time range applies unless a selector names the time.
    """
    clauses = []
    if view.namespace is not None:
        clauses.append(Clause(fields.stored_paths(NAMESPACE), Operator.IN, (view.namespace,)))
    for requirement in view.labels:
        paths = fields.stored_paths(f"metadata.labels.{requirement.key}")
        clauses.append(_clause(paths, requirement))
    for requirement in view.fields:
        if requirement.key not in UNSTORED:
            clauses.append(_clause(fields.stored_paths(requirement.key), requirement))
    since_us, until_us = _time_range(view)
    if since_us is None and until_us is None:
        since_us = default_since_us
    return Query(clauses=tuple(clauses), since_us=since_us, until_us=until_us)


def _clause(paths: tuple[str, ...], requirement: Requirement) -> Clause:
    return Clause(paths, requirement.operator, requirement.values)


def _time_range(view: View) -> tuple[int | None, int | None]:
    since: list[int] = []
    until: list[int] = []
    for requirement in view.fields:
        if requirement.key != TIME:
            continue
        values = [int(value) for value in requirement.values]
        if requirement.operator is Operator.GREATER:
            since.append(values[0])
        elif requirement.operator is Operator.LESS:
            until.append(values[0])
        elif requirement.operator is Operator.IN:
            since.append(min(values))
            until.append(max(values) + 1)
    return max(since, default=None), min(until, default=None)
