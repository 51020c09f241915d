"""How values compare with what is asked for: one rule for objects and for stored documents."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from kjournal.codec import parse_time_us
from kjournal.query.model import Operator
from kjournal.query.paths import scalars_of

ORDERS = frozenset({Operator.GREATER, Operator.LESS})


@lru_cache(maxsize=256)
def comparison(operator: Operator, values: tuple[str, ...]) -> Callable[[Sequence[Any]], bool]:
    """Return whether what is found satisfies; nothing found is absent, of arrays one element does.

    `!=` and `notin` hold for what is absent, as for labels (apimachinery labels/selector.go).
    GREATER and LESS compare numbers as numbers, timestamps as times, anything else as text.
    """
    if operator is Operator.EXISTS:
        return bool
    if operator is Operator.MISSING:
        return lambda found: not found
    if operator in ORDERS:
        bound = values[0]
        return lambda found: any(_ordered(text, operator, bound) for text in scalars_of(found))
    wanted = frozenset(values)  # a set may have a thousand values
    if operator is Operator.IN:
        return lambda found: not wanted.isdisjoint(scalars_of(found))
    return lambda found: wanted.isdisjoint(scalars_of(found))


def _ordered(left: str, operator: Operator, right: str) -> bool:
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
