"""A view as clauses on stored documents, for stores that can use them."""

from kjournal.query.fieldmap import FieldMap
from kjournal.query.model import Clause, Operator, Query
from kjournal.query.view import NAMESPACE, TIME, View

# Made from a record's identity, or from its event time: not to be found under any stored path.
UNSTORED = frozenset(
    {
        "metadata.name",
        "metadata.uid",
        "metadata.resourceVersion",
        TIME,
        "metadata.annotations.kjournal/es-index",
        "metadata.annotations.kjournal/timestamp",
    }
)
# An object may lack what its document has: a list where a text belongs, a dropped field. What is
# shown for a value is in the document, but what is shown for want of one may have it there.
_NARROWING = frozenset({Operator.IN, Operator.EXISTS, Operator.GREATER, Operator.LESS})


def query_of(view: View, fields: FieldMap, default_since_us: int | None) -> Query:
    """Return what to ask a store for: every record in the view, and as few others as it can say.

    The default time range applies unless a selector names the time.
    """
    clauses = []
    if view.namespace is not None:
        clauses.append(Clause(fields.stored_paths(NAMESPACE), Operator.IN, (view.namespace,)))
    named = [(f"metadata.labels.{requirement.key}", requirement) for requirement in view.labels]
    # An empty value is what a field without one has, too.
    named += [(each.key, each) for each in view.fields if "" not in each.values]
    for field, requirement in named:
        paths = () if field in UNSTORED else fields.selected_paths(field)
        if paths and requirement.operator in _NARROWING:
            clauses.append(Clause(paths, requirement.operator, requirement.values))
    since_us, until_us = _time_range(view)
    if since_us is None and until_us is None:
        since_us = default_since_us
    return Query(clauses=tuple(clauses), since_us=since_us, until_us=until_us)


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
