"""The text of one setting comes to its value, or says what is allowed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.config import units
from kjournal.query.daterange import parse_moment_us

NOW_US = 1_769_860_800_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("10s", 10), ("1h30m", 5400), ("1.5s", 1.5), ("7d", 604_800), ("2µs", 2e-6)],
)
def test_durations_are_those_of_go(text: str, seconds: float) -> None:
    assert units.parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1 s", "1sm", "1s ", "١s", "1e3s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        units.parse_duration_s(text)


@pytest.mark.parametrize("text", ["0s", "9ms", "61m"])
def test_a_refresh_rate_has_bounds(text: str) -> None:
    with pytest.raises(ValueError, match="10ms to 1h"):
        units.parse_refresh_s(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("1Gi", 1 << 30), ("500M", 500_000_000), ("1048576", 1 << 20), ("2000k", 2_000_000)],
)
def test_sizes_are_bytes_or_quantities(text: str, size: int) -> None:
    assert units.parse_size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "1", "1GiB", "1K", "ki", "-1Gi", "1.5Gi", "1 Gi", "0Gi"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="1Gi"):
        units.parse_size_bytes(text)


@pytest.mark.parametrize("text", ["65536", "-1", "http", "", "8080 ", "8_080"])
def test_ports_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="0 to 65535"):
        units.parse_port(text)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "now-24h",
        "now-7d/d",
        "now/d",
        "now-1M+2w",
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00.5+01:00",
    ],
)
def test_time_ranges_stay_as_they_are(text: str) -> None:
    assert units.parse_time_range(text) == text
    parse_moment_us(text, NOW_US)


@pytest.mark.parametrize(
    "text", ["", "24h", "-24h", "now-", "now-1x", "yesterday", "now-9999y", "2026-13-01T00:00:00Z"]
)
def test_other_time_ranges_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="now-24h"):
        units.parse_time_range(text)


@given(
    st.lists(
        st.tuples(st.sampled_from("+-"), st.integers(0, 999_999), st.sampled_from("yMwdhHms")),
        max_size=3,
    ),
    st.sampled_from(["", "/y", "/M", "/w", "/d", "/h", "/m", "/s"]),
)
def test_what_is_taken_here_is_a_moment_to_the_query(
    steps: list[tuple[str, int, str]], rounding: str
) -> None:
    """The shape check lets through nothing that fails when a list is asked for."""
    text = "now" + "".join(f"{sign}{n}{unit}" for sign, n, unit in steps) + rounding
    try:
        units.parse_time_range(text)
    except ValueError:
        return
    parse_moment_us(text, NOW_US)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://elasticsearch-master:9200", "http://elasticsearch-master:9200"),
        ("https://user:p%40ss@es/prefix/", "https://user:p%40ss@es/prefix"),
        ("http://[::1]:9200", "http://[::1]:9200"),
    ],
)
def test_urls(text: str, url: str) -> None:
    assert units.parse_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "es:9200",
        "ftp://es",
        "http://",
        "http://:9200",
        "http://es:x",
        "http://es:99999",
        "http://es:0",
        "http://[::1",
        "http://e s",
        "http://es?a=b",
        "http://es/#x",
        "user:secret@es",
        "http://user:se/cret@es",
    ],
)
def test_bad_urls_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|http") as caught:
        units.parse_url(text)
    assert "secret" not in str(caught.value)
    assert "cret" not in str(caught.value)


@given(st.text())
def test_no_parser_raises_anything_else(text: str) -> None:
    for parse in (
        units.parse_url,
        units.parse_duration_s,
        units.parse_timeout_s,
        units.parse_age_s,
        units.parse_seconds,
        units.parse_size_bytes,
        units.parse_bulk_size,
        units.parse_port,
        units.parse_address,
        units.parse_time_range,
    ):
        with suppress(ValueError):
            parse(text)
