"""Moments as people write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.codec import format_micros
from kjournal.query.daterange import parse_moment_us


def us(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type]


NOW = us(2024, 3, 31, 12, 34, 56) + 789_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        (" now ", NOW),
        ("now-30s", NOW - 30_000_000),
        ("now+1m", NOW + 60_000_000),
        ("now-24h", NOW - 86_400_000_000),
        ("now-2H", NOW - 7_200_000_000),
        ("now-1d-1h", NOW - 90_000_000_000),
        ("now-1w", NOW - 604_800_000_000),
        ("now-1M", us(2024, 2, 29, 12, 34, 56) + 789_000),
        ("now-13M", us(2023, 2, 28, 12, 34, 56) + 789_000),
        ("now-1y", us(2023, 3, 31, 12, 34, 56) + 789_000),
        ("now/s", us(2024, 3, 31, 12, 34, 56)),
        ("now/d", us(2024, 3, 31)),
        ("now-1d/d", us(2024, 3, 30)),
        ("now/w", us(2024, 3, 25)),
        ("now/M", us(2024, 3, 1)),
        ("now/y", us(2024, 1, 1)),
        ("2024-01-31T12:00:00Z", us(2024, 1, 31, 12)),
        ("2024-01-31T12:00:00+02:00", us(2024, 1, 31, 10)),
        ("1700000000000", 1_700_000_000_000_000),
    ],
)
def test_moments(text: str, expected: int) -> None:
    """RFC 3339, epoch milliseconds and date math."""
    assert parse_moment_us(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "now-", "now-1x", "now-1d/x", "2024-13-01"])
def test_refused(text: str) -> None:
    """Anything else is refused with what is allowed."""
    with pytest.raises(ValueError, match="now-24h"):
        parse_moment_us(text, NOW)


math = st.lists(
    st.tuples(st.sampled_from("+-"), st.integers(0, 10**6), st.sampled_from("yMwdhHms")), max_size=4
)


@given(math, st.sampled_from(["", "/d", "/M", "/y", "/w", "/h"]))
def test_only_value_error(steps: list[tuple[str, int, str]], rounding: str) -> None:
    """Date math gives a moment, or says that it leaves the calendar."""
    text = "now" + "".join(f"{sign}{n}{unit}" for sign, n, unit in steps) + rounding
    try:
        moment = parse_moment_us(text, NOW)
    except ValueError:
        return
    assert isinstance(moment, int)


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Any text is a moment or a ValueError."""
    try:
        parse_moment_us(text, NOW)
    except ValueError:
        return


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001
def test_written_moments(moment: datetime) -> None:
    """What the codec writes is the same moment."""
    time_us = int(moment.replace(tzinfo=UTC).timestamp()) * 1_000_000 + moment.microsecond
    assert parse_moment_us(format_micros(time_us), NOW) == time_us


@given(st.integers(0, 10**15), st.sampled_from(["d", "M", "y", "w", "h", "m", "s"]))
def test_rounding(now_us: int, unit: str) -> None:
    """Rounding goes down, and is done after once."""
    rounded = parse_moment_us(f"now/{unit}", now_us)
    assert rounded <= now_us
    assert parse_moment_us(f"now/{unit}", rounded) == rounded
