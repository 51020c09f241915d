"""Shapes: what is stored, in shape or absent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.kinds import shape
from kjournal.kinds.registry import KINDS
from kjournal.kinds.shape import Field, placed_at, reshaped, strings, text_lists
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
        *((shape.INTEGER_64, 2**31, 2**31), (shape.INTEGER_64, 2**63, ABSENT)),
        *((shape.OBJECTS, {"a": 1}, ABSENT), (shape.OBJECTS, [{"a": 1}, 2], [{"a": 1}])),
        *((shape.TEXT_LISTS, {"a": 1}, {"a": ["1"]}), (shape.TEXT_LISTS, ["a"], ABSENT)),
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


@given(values)
def test_text_lists(value: Any) -> None:
    """What is more about a user is flat text to texts whatever was stored."""
    found = text_lists(value)
    if found is not ABSENT:
        for key, texts in found.items():
            assert isinstance(key, str)
            assert all(isinstance(text, str) for text in texts)


@pytest.mark.parametrize(
    ("path", "place", "of"),
    [
        ("series.count", ("series", "count"), shape.INTEGER),
        ("series.state", ("series", "state"), shape.ANY),
        ("series.a.b", ("series", "a", "b"), shape.ANY),
        ("reason", ("reason",), shape.TEXT),
    ],
)
def test_place(path: str, place: tuple[str, ...], of: shape.Shape) -> None:
    """What a config maps below a field is set there, in the shape that it has there."""
    found = placed_at(KINDS["events"].fields, path)
    assert found is not None
    assert found[0] == place
    assert found[1].shape is of


@pytest.mark.parametrize(
    ("path", "key", "of"),
    [
        ("annotations.a.b", ("annotations", "a.b"), shape.TEXT),
        ("user.extra.a.b", ("user", "extra", "a.b"), shape.TEXTS),
    ],
)
def test_place_in_map(path: str, key: tuple[str, ...], of: shape.Shape) -> None:
    """In a map of texts all that follows is one key, as else there would be a map in it."""
    found = placed_at(KINDS["auditevents"].fields, path)
    assert found is not None
    assert (found[0], found[1].shape) == (key, of)


@pytest.mark.parametrize(
    "path",
    ["x", "x.y", "level.x", "user.username.x", "user.UserName", "responseStatus.details.causes.x"],
)
def test_no_place(path: str) -> None:
    """There is nothing below a text or in a list, and no second spelling of a member."""
    assert placed_at(KINDS["auditevents"].fields, path) is None


def test_reshaped() -> None:
    """Reshaped fields are known by their paths."""
    assert set(reshaped(KINDS["events"].fields)) == {
        *("eventTime", "series.count", "series.lastObservedTime"),
        *("deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedCount"),
    }


def test_not_selectable() -> None:
    """What is in a status' details is there to be read, and no selector's."""
    kind = KINDS["auditevents"]
    assert kind.selectable("responseStatus.code")
    assert kind.selectable("user.extra.scopes")
    for path in ("responseStatus.details.name", "responseStatus.metadata.continue"):
        assert not kind.selectable(path)
    assert not any("details" in path for path in kind.selectable_fields())
