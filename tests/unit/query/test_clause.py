"""Clauses as tests on stored documents."""

from typing import Any

import pytest

from kjournal.query.clause import clause_admits, clause_holds
from kjournal.query.model import Clause, Operator

DOCUMENT: dict[str, Any] = {
    "a": {"b": "x"},
    "n": 5,
    "flag": True,
    "list": ["u", 7, None],
    "none": None,
    "t": "2024-01-01T00:00:00Z",
    "empty": [],
}


@pytest.mark.parametrize(
    ("paths", "operator", "values", "expected"),
    [
        (("a.b",), Operator.IN, ("x", "y"), True),
        (("none", "a.b"), Operator.IN, ("x",), True),
        (("n", "a.b"), Operator.IN, ("x",), False),
        (("n",), Operator.IN, ("5",), True),
        (("flag",), Operator.IN, ("true",), True),
        (("list",), Operator.IN, ("7",), True),
        (("list",), Operator.NOT_IN, ("7",), False),
        (("list",), Operator.NOT_IN, ("8",), True),
        (("x",), Operator.NOT_IN, ("8",), True),
        (("a",), Operator.NOT_IN, ("8",), True),
        (("none",), Operator.EXISTS, (), False),
        (("none",), Operator.MISSING, (), True),
        (("empty",), Operator.EXISTS, (), True),
        (("n",), Operator.GREATER, ("10",), False),
        (("n",), Operator.LESS, ("10",), True),
        (("t",), Operator.GREATER, ("2023-12-31T23:00:00-00:30",), True),
        (("x",), Operator.GREATER, ("",), False),
    ],
)
def test_holds(
    paths: tuple[str, ...], operator: Operator, values: tuple[str, ...], expected: bool
) -> None:
    """The first path that is present decides; of an array one element is enough."""
    assert clause_holds(DOCUMENT, Clause(paths, operator, values)) is expected


@pytest.mark.parametrize(
    ("paths", "operator", "values", "expected"),
    [
        (("n", "a.b"), Operator.IN, ("x",), True),
        (("a.b",), Operator.IN, ("forged",), True),
        (("a.b",), Operator.IN, ("x",), True),
        (("a.b",), Operator.IN, ("y",), False),
        (("a.b",), Operator.NOT_IN, ("x",), False),
        (("a.b",), Operator.NOT_IN, ("y",), True),
        (("none", "z"), Operator.EXISTS, (), False),
        (("none", "n"), Operator.EXISTS, (), True),
        (("none",), Operator.MISSING, (), True),
        (("n", "m"), Operator.GREATER, ("50",), True),
        (("n",), Operator.GREATER, ("50",), False),
    ],
)
def test_admits(
    paths: tuple[str, ...], operator: Operator, values: tuple[str, ...], expected: bool
) -> None:
    """Any value at any of the paths, however spelled, will do: an object may be made of it."""
    document = {**DOCUMENT, "a.b": "forged", "m": 99}
    assert clause_admits(document, Clause(paths, operator, values)) is expected
