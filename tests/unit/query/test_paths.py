"""Paths: one path, however the document spells it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.query.paths import ABSENT, WHOLE, first_of, lookup, spellings, text_of

KEYS = ("a", "b", "c")
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
nested = st.recursive(
    scalars, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3), max_leaves=8
)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    found: dict[str, Any] = {}
    for key, member in value.items():
        found.update(leaves(member, f"{path}.{key}" if path else key))
    return found


def respelled(value: Any, draw: st.DrawFn) -> Any:
    """Join keys with their members' keys, here and there."""
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, member in value.items():
        inner = respelled(member, draw)
        if isinstance(inner, dict) and inner and draw(st.booleans()):
            found.update({f"{key}.{rest}": below for rest, below in inner.items()})
        else:
            found[key] = inner
    return found


@st.composite
def documents(draw: st.DrawFn) -> tuple[Any, Any]:
    document = draw(st.dictionaries(st.sampled_from(KEYS), nested, max_size=3))
    return document, respelled(document, draw)


@given(documents())
def test_any_spelling(pair: tuple[Any, Any]) -> None:
    """Every leaf of a document is found under its path, nested or with dots in its keys."""
    document, respelled_document = pair
    for path, value in leaves(document).items():
        if path:
            assert lookup(document, path) == value
            assert lookup(respelled_document, path) == value


paths = st.lists(st.sampled_from([*KEYS, "", ".", "x"]), max_size=5).map(".".join)


@given(nested, paths)
def test_total(document: Any, path: str) -> None:
    """A lookup of any path in any value finds something or ABSENT."""
    lookup(document, path)
    first_of(document, (path, WHOLE))


def test_whole() -> None:
    """A dot is the whole document."""
    assert lookup({"a": 1}, WHOLE) == {"a": 1}


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": {"b.c": 1}}, "a.b.c", 1),
        ({"a.b": {"c": 1}}, "a.b.c", 1),
        ({"a": {"x": 1}, "a.b": 2}, "a.b", 2),
        ({"a": "text"}, "a.b", ABSENT),
        ({"a": [{"b": 1}]}, "a.b", ABSENT),
        ({"a": None}, "a", None),
        ("text", "a", ABSENT),
    ],
)
def test_lookup(document: Any, path: str, expected: Any) -> None:
    """Mixed spellings are tried; arrays are values."""
    assert lookup(document, path) == expected


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"a": {"b": 1}, "a.b": 2}, "a.b", [1, 2]),
        ({"a.b": 2, "a": {"b": 1}}, "a.b", [1, 2]),
        ({"a.b.c": 4, "a.b": {"c": 3}, "a": {"b.c": 2, "b": {"c": 1}}}, "a.b.c", [1, 2, 3, 4]),
        ({"a": {"b": None}, "a.b": 2}, "a.b", [None, 2]),
        ({"a": 1}, "a", [1]),
        ({"a": 1}, "b", []),
        ("text", "a", []),
        ({"a": 1}, WHOLE, [{"a": 1}]),
        ({"a": [{"b": 1}], "a.b": 2}, "a.b", [2]),
    ],
)
def test_spellings(document: Any, path: str, expected: list[Any]) -> None:
    """All that stands at a path, nested before dotted, in whatever order it was written."""
    assert list(spellings(document, path)) == expected


def test_one_order() -> None:
    """Where a path is spelled twice, the nested one is found, unless it is null."""
    assert lookup({"a.b": 2, "a": {"b": 1}}, "a.b") == 1
    assert lookup({"a.b": 2, "a": {"b": None}}, "a.b") == 2
    assert lookup({"a.b": None, "a": {}}, "a.b") is None


@given(nested, paths)
def test_lookup_is_a_spelling(document: Any, path: str) -> None:
    """What a lookup finds is the first spelling that is not null."""
    found = list(spellings(document, path))
    present = [value for value in found if value is not None]
    assert lookup(document, path) == (present[0] if present else None if found else ABSENT)


def test_first_of() -> None:
    """Null and absent paths are passed over, empty text is not."""
    assert first_of({"a": None, "c": ""}, ("a", "b", "c", "d")) == ""
    assert first_of({}, ("a",)) is ABSENT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("x", "x"), (True, "true"), (False, "false"), (5, "5"), (5.0, "5"), (0.5, "0.5")),
        *((1e300, "1e+300"), (-0.0, "0"), (2**70, str(2**70)), (None, None), ([], None)),
        *(({}, None), (ABSENT, None), (float("inf"), "inf")),
    ],
)
def test_text_of(value: Any, expected: str | None) -> None:
    """Scalars are compared as JSON spells them."""
    assert text_of(value) == expected
