"""Names and uids."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kjournal.kinds.meta import index_digest, name_of, parse_name, uid_of

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
characters = st.characters(codec="utf-8")
ids = (
    st.text(characters, min_size=1, max_size=170)
    | st.from_regex(r"[A-Za-z0-9_-]{20}", fullmatch=True)
    | st.uuids().map(str)
    | st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)
    | st.text("ab-", min_size=190, max_size=512)
).filter(lambda id: len(id.encode()) <= 512)


@given(st.text(characters, min_size=1, max_size=40), ids)
def test_round_trip(index: str, id: str) -> None:
    """A name says which document it is, and is one lower-case DNS-1123 label."""
    name = name_of(index, id)
    assert parse_name(name) == (id, index_digest(index))
    assert _LABEL.fullmatch(name)
    if len(id.encode()) <= 150:
        assert len(name) <= 253


@given(ids, ids)
def test_distinct(first: str, second: str) -> None:
    """Two ids have two names and uids."""
    assume(first != second)
    assert name_of("i", first) != name_of("i", second)
    assert uid_of("i", first) != uid_of("i", second)


@given(st.text(max_size=40) | st.from_regex(r"[aupx][-a-z0-9]{1,30}-[a-z2-7]{6}", fullmatch=True))
def test_one_spelling(name: str) -> None:
    """Any text is nobody's name, or the very name of its document."""
    parsed = parse_name(name)
    if parsed is not None:
        assert name_of("i", parsed[0]).rpartition("-")[0] == name.rpartition("-")[0]


@pytest.mark.parametrize(
    "name", ["", "x", "x-abcdef", "pa-abcde1", "Pa-abcdef", "uzz-abcdef", "x1-abcdef", "pa-abcdefg"]
)
def test_nobody(name: str) -> None:
    """Names that were never given are nobody's."""
    assert parse_name(name) is None


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_lone_surrogate(text: str) -> None:
    """A name whose id is no Unicode text is nobody's: no store could be asked for that id."""
    assert parse_name(name_of("i", text)) is None


def test_indices() -> None:
    """One id in two indices is two documents."""
    assert name_of("a", "1") != name_of("b", "1")
    assert uid_of("a", "1") != uid_of("b", "1")
    assert uid_of("a\0b", "c") != uid_of("a", "c")


def test_stable() -> None:
    """Names outlive a release: these were given once."""
    assert name_of("logs-2024", "abc") == f"pabc-{index_digest('logs-2024')}"
    assert index_digest("logs-2024") == index_digest("logs-2024")
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-.{12}", uid_of("", "")
    )
