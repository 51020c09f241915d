"""resourceVersions: canonical decimals that only grow."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.errors import BadRequest
from kjournal.query.resource_version import STEP, Mint, parse_resource_version


@pytest.mark.parametrize(("text", "expected"), [("", None), ("0", 0), ("1", 1), ("170", 170)])
def test_parsed(text: str, expected: int | None) -> None:
    """Empty is the most recent, 0 any, else the number."""
    assert parse_resource_version(text) == expected


@pytest.mark.parametrize("text", ["-1", "+1", "01", "1.0", " 1", "1 ", "x", "٣", "1" * 20, "1\n"])
def test_refused(text: str) -> None:
    """What is not canonical is refused."""
    with pytest.raises(BadRequest):
        parse_resource_version(text)


clocks = st.lists(st.integers(0, 2**53))


@given(clocks, st.integers(0, STEP - 1))
def test_mint(clock: list[int], residue: int) -> None:
    """Versions grow strictly however the clock goes, are never below it, and are all alike."""
    mint, last = Mint(residue), 0
    for now_us in clock:
        version = mint.next(now_us)
        assert version > last
        assert now_us <= version < max(last + 1, now_us) + STEP
        assert version % STEP == residue
        assert mint.last == version
        last = version


@given(st.integers(0, 2**53), st.integers(0, STEP - 1), clocks)
def test_others(above: int, residue: int, clock: list[int]) -> None:
    """Numbers of a catch-up are above the client's, ascending, dense, and never minted."""
    mint = Mint(residue)
    numbers = list(islice(mint.others(above), 100))
    assert numbers[0] > above
    assert numbers == sorted(set(numbers))
    assert numbers[-1] <= above + 100 + 100 // (STEP - 1) + 1
    minted = {mint.next(now_us) for now_us in [*clock, above, above + 1, above + 50]}
    assert not minted & set(numbers)


def test_residues_are_random() -> None:
    """Two processes are told apart by chance, so that none needs to know of the other."""
    assert len({Mint().next(0) % STEP for _ in range(300)}) == STEP
