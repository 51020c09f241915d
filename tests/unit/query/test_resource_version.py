"""resourceVersions: canonical decimals that only grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.errors import BadRequest
from kjournal.query.resource_version import Mint, parse_resource_version


@pytest.mark.parametrize(("text", "expected"), [("", None), ("0", 0), ("1", 1), ("170", 170)])
def test_parsed(text: str, expected: int | None) -> None:
    """Empty is the most recent, 0 any, else the number."""
    assert parse_resource_version(text) == expected


@pytest.mark.parametrize("text", ["-1", "+1", "01", "1.0", " 1", "1 ", "x", "٣", "1" * 20, "1\n"])
def test_refused(text: str) -> None:
    """What is not canonical is refused."""
    with pytest.raises(BadRequest):
        parse_resource_version(text)


@given(st.lists(st.integers(0, 2**53)))
def test_mint(clock: list[int]) -> None:
    """Versions grow strictly however the clock goes, and are never below it."""
    mint, last = Mint(), 0
    for now_us in clock:
        version = mint.next(now_us)
        assert version > last
        assert version >= now_us
        last = version
