"""A view as a test on objects. It decides what is shown; a store's query only fetches less."""

import re
from collections.abc import Callable
from typing import Any

from kjournal.codec import parse_time_us
from kjournal.query.model import Operator
from kjournal.query.paths import ABSENT, lookup, text_of
from kjournal.query.selectors import Requirement
from kjournal.query.view import TIME, View

Predicate = Callable[[dict[str, Any], int], bool]
"""(object, its event time in microseconds) -> is it in the view?"""

_ORDERS = (Operator.GREATER, Operator.LESS)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
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
    key, holds = requirement.key, _comparison(requirement)

    def test(obj: dict[str, Any], _: int) -> bool:
        value = obj["metadata"].get("labels", {}).get(key, ABSENT)
        if requirement.operator in _ORDERS and not _INTEGER.fullmatch(str(value)):
            return False  # apimachinery labels/selector.go, Matches: only integers are compared
        return holds(value)

    return test


def _field_test(requirement: Requirement) -> _Test:
    path, holds = requirement.key, _comparison(requirement)
    if path == TIME:
        return lambda _, time_us: holds(time_us)
    return lambda obj, _: holds(lookup(obj, path))


def _comparison(requirement: Requirement) -> Callable[[Any], bool]:
    """Return whether a value satisfies a requirement; of an array, whether one element does.

    `!=` and `notin` hold for an absent value, as for labels (apimachinery labels/selector.go).
    """
    operator = requirement.operator
    if operator is Operator.EXISTS:
        return lambda value: value is not ABSENT
    if operator is Operator.MISSING:
        return lambda value: value is ABSENT
    if operator in _ORDERS:
        bound = requirement.values[0]
        return lambda value: any(ordered(text, operator, bound) for text in _texts(value))
    wanted = frozenset(requirement.values)  # a set may have a thousand values
    if operator is Operator.IN:
        return lambda value: not wanted.isdisjoint(_texts(value))
    return lambda value: wanted.isdisjoint(_texts(value))


def _texts(value: Any) -> list[str]:
    elements = value if isinstance(value, list) else [value]
    return [text for text in map(text_of, elements) if text is not None]


def ordered(left: str, operator: Operator, right: str) -> bool:
    """Return `left > right` or `left < right`: as numbers, else as times, else as text."""
    first, second = _comparable(left, right)
    return bool(first > second if operator is Operator.GREATER else first < second)


def _comparable(left: str, right: str) -> tuple[Any, Any]:
    numbers = _numbers(left, right)
    if numbers is not None:
        return numbers
    times = parse_time_us(left), parse_time_us(right)
    return (left, right) if None in times else times


def _numbers(left: str, right: str) -> tuple[float, float] | None:
    try:
        return float(left), float(right)
    except ValueError:
        return None
