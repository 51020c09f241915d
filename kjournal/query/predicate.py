"""A view as a test on objects. It decides what is shown; a store's query only fetches less."""

import re
from collections.abc import Callable
from typing import Any

from kjournal.query.comparison import ORDERS, comparison
from kjournal.query.model import Operator
from kjournal.query.paths import ABSENT, lookup
from kjournal.query.selectors import Requirement
from kjournal.query.view import TIME, View

Predicate = Callable[[dict[str, Any], int], bool]
"""(object, its event time in microseconds) -> is it in the view?"""

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_EQUALITY = frozenset({Operator.IN, Operator.NOT_IN})
_Test = Callable[[dict[str, Any], int], bool]


def predicate_of(view: View) -> Predicate:
    """Return the test that decides whether an object is in the view.

    A namespace is equal as text, whole and case-sensitive, or the object is not in the view.
    """
    tests = [_label_test(requirement) for requirement in view.labels]
    tests += [_field_test(requirement) for requirement in view.fields]
    if view.namespace is not None:
        tests.insert(0, _namespace_test(view.namespace))

    def holds(obj: dict[str, Any], time_us: int) -> bool:
        return all(test(obj, time_us) for test in tests)

    return holds


def _namespace_test(namespace: str) -> _Test:
    return lambda obj, _: obj["metadata"].get("namespace") == namespace


def _label_test(requirement: Requirement) -> _Test:
    key, holds = requirement.key, comparison(requirement.operator, requirement.values)

    def test(obj: dict[str, Any], _: int) -> bool:
        value = obj["metadata"].get("labels", {}).get(key, ABSENT)
        if requirement.operator in ORDERS and not _INTEGER.fullmatch(str(value)):
            return False  # apimachinery labels/selector.go, Matches: only integers are compared
        return holds(_present(value))

    return test


def _field_test(requirement: Requirement) -> _Test:
    path, holds = requirement.key, comparison(requirement.operator, requirement.values)
    if path == TIME:
        return lambda _, time_us: holds([time_us])
    if "" in requirement.values and requirement.operator in _EQUALITY:
        # To field selectors what is absent is empty (apimachinery fields/selector.go, Matches).
        return lambda obj, _: holds(_present(lookup(obj, path)) or [""])
    return lambda obj, _: holds(_present(lookup(obj, path)))


def _present(value: Any) -> list[Any]:
    return [] if value is ABSENT else [value]
