"""Shapes: what is stored, in shape or absent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.kinds import shape
from kjournal.kinds.registry import KINDS
from kjournal.kinds.shape import Field, member_of, reshaped, strings
from kjournal.query.paths import ABSENT

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("of", "stored", "expected"),
    [
        *((shape.TEXT, 5, "5"), (shape.TEXT, True, "true"), (shape.TEXT, ["a"], ABSENT)),
        *((shape.TEXT, None, ABSENT), (shape.INTEGER, "7", 7), (shape.INTEGER, 7.9, 7)),
        *(
            (shape.INTEGER, "x", ABSENT),
            (shape.INTEGER, True, ABSENT),
            (shape.INTEGER, None, ABSENT),
        ),
        *((shape.INTEGER, float("inf"), ABSENT), (shape.INTEGER, "9" * 5000, ABSENT)),
        *((shape.INTEGER, "9" * 400, ABSENT), (shape.INTEGER, 1e300, ABSENT)),
        *((shape.INTEGER, 2**31 - 1, 2**31 - 1), (shape.INTEGER, 2**31, ABSENT)),
        *((shape.INTEGER, -(2**31), -(2**31)), (shape.INTEGER, -(2**31) - 1, ABSENT)),
        (shape.TIME, "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00Z"),
        (shape.MICRO_TIME, "2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00.500000Z"),
        (shape.MICRO_TIME, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000Z"),
        (shape.MICRO_TIME, 1704067200123, "2024-01-01T00:00:00.123000Z"),
        (shape.MICRO_TIME, "soon", ABSENT),
        *((shape.TEXTS, "a", ["a"]), (shape.TEXTS, ["a", 1, None, {}], ["a", "1"])),
        *(
            (shape.TEXTS, [], ABSENT),
            (shape.OBJECT, "x", ABSENT),
            (shape.OBJECT, {"a": 1}, {"a": 1}),
        ),
        *(
            (shape.STRINGS, {"a": 1, "b": {"c": True}}, {"a": "1", "b.c": "true"}),
            (shape.ANY, [], []),
        ),
        (shape.STRINGS, {"a": None, "b": ["x"]}, {}),
    ],
)
def test_coerced(of: shape.Shape, stored: Any, expected: Any) -> None:
    """A value comes in the shape of its field, or not at all."""
    assert Field("f", of, "").coerced(stored) == expected


@given(values)
def test_strings(value: Any) -> None:
    """Labels are flat text to text whatever was stored."""
    found = strings(value)
    if found is not ABSENT:
        assert all(isinstance(k, str) and isinstance(v, str) for k, v in found.items())


@given(values)
def test_total(value: Any) -> None:
    """Every field of every kind takes any value, and leaves the stored one as it was."""
    before = repr(value)
    for kind in KINDS.values():
        for field in kind.fields:
            field.coerced(value)
    assert repr(value) == before


def test_members() -> None:
    """A field is found by its path; reshaped ones are known."""
    fields = KINDS["events"].fields
    found = member_of(fields, "series.count")
    assert found is not None
    assert found.shape is shape.INTEGER
    assert member_of(fields, "series.x") is None
    assert member_of(fields, "x") is None
    assert set(reshaped(fields)) == {
        *("eventTime", "series.count", "series.lastObservedTime"),
        *("deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedCount"),
    }
