"""JSON and times."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.codec import (
    dump_json,
    dump_pretty_json,
    format_micros,
    format_millis,
    format_seconds,
    load_json,
    parse_time_us,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(values)
def test_round_trip(value: Any) -> None:
    """What is written reads back, in one line or in many."""
    assert load_json(dump_json(value)) == value
    assert load_json(dump_pretty_json(value)) == value
    assert b"\n" not in dump_json(value)


@pytest.mark.parametrize("value", [2**70, {"a": 2**64}, ["\ud800"]])
def test_beyond_orjson(value: Any) -> None:
    """Integers beyond 64 bits and lone surrogates are written, for people as well."""
    for data in (dump_json(value), dump_pretty_json(value)):
        assert orjson.loads(data.replace(b"?", b"x")) is not None


@pytest.mark.parametrize("text", ["", "{", "NaN", b"\xff", "[" * 5000])
def test_no_json(text: str | bytes) -> None:
    """What is no JSON is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - any message will do
        load_json(text)


SECOND = 1_700_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2023-11-14T22:13:20Z", SECOND * 1_000_000),
        ("2023-11-14t22:13:20z", SECOND * 1_000_000),
        ("2023-11-14 22:13:20", SECOND * 1_000_000),
        ("2023-11-14T22:13:20.123456789Z", SECOND * 1_000_000 + 123_456),
        ("2023-11-14T22:13:20,5Z", SECOND * 1_000_000 + 500_000),
        ("2023-11-15T00:13:20+02:00", SECOND * 1_000_000),
        ("2023-11-14T17:13:20-0500", SECOND * 1_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        (SECOND, SECOND * 1_000_000),
        (SECOND + 0.5, SECOND * 1_000_000 + 500_000),
        (SECOND * 1000 + 1, SECOND * 1_000_000 + 1000),
        (SECOND * 1000 + 0.5, SECOND * 1_000_000 + 500),
        (str(SECOND * 1000), SECOND * 1_000_000),
        (0, 0),
    ],
)
def test_times(value: object, expected: int) -> None:
    """RFC 3339 of any fraction and zone, epoch seconds and milliseconds."""
    assert parse_time_us(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, [], {}, "", "x", "2023-13-01T00:00:00Z", "2023-02-30T00:00:00Z"),
        *("2023-01-01", "2023-01-01T25:00:00Z", -1, math.nan, math.inf, 1e16, 1e300, "1e400"),
        *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z"),
    ],
)
def test_no_times(value: object) -> None:
    """What is no time, or outside of the calendar, is none: it can be formatted by nobody."""
    assert parse_time_us(value) is None


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_formattable(value: object) -> None:
    """Every time that is read can be written, and reads back the same."""
    time_us = parse_time_us(value)
    if time_us is not None:
        assert parse_time_us(format_micros(time_us)) == time_us


@pytest.mark.parametrize(
    ("time_us", "seconds", "millis", "micros"),
    [
        (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999999Z"),
        (
            -62_135_596_800_000_000,
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00.000Z",
            "0001-01-01T00:00:00.000000Z",
        ),
        (
            SECOND * 1_000_000 + 120,
            "2023-11-14T22:13:20Z",
            "2023-11-14T22:13:20.000Z",
            "2023-11-14T22:13:20.000120Z",
        ),
    ],
)
def test_formats(time_us: int, seconds: str, millis: str, micros: str) -> None:
    """Whole seconds for Time, exactly six digits for MicroTime; the year has four digits."""
    assert format_seconds(time_us) == seconds
    assert format_millis(time_us) == millis
    assert format_micros(time_us) == micros
