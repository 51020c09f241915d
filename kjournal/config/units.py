"""From the text of one setting to its value; a ValueError says what would have been allowed."""

import ipaddress
import re
from typing import TypeVar
from urllib.parse import urlsplit

_Number = TypeVar("_Number", int, float)
_UNIT_S = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}
_DURATION = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{0,9})?(?:ns|us|µs|μs|ms|[smhdw]))+")
_DURATION_PART = re.compile(r"([0-9.]+)([a-zµμ]+)")
_UNIT_BYTES = {
    "": 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
    "Ki": 1 << 10,
    "Mi": 1 << 20,
    "Gi": 1 << 30,
    "Ti": 1 << 40,
}
_SIZE = re.compile(r"([0-9]{1,18})(|k|[KMGT]i|[MGT])")
_RANGE = re.compile(r"now((?:[+-][0-9]{1,6}[yMwdhHms])*)(?:/[yMwdhHms])?")
_RANGE_STEP = re.compile(r"[+-]([0-9]+)([yMwdhHms])")
_STEP_S = {"y": 31_622_400, "M": 2_678_400, "w": 604_800, "d": 86_400, "h": 3600, "H": 3600}
_RFC3339 = re.compile(
    r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# Date math that leads further than this leaves the calendar.
_MAX_RANGE_S = 500 * _STEP_S["y"]
_GROUP_RESOURCE = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)?(\.[a-z0-9.-]+)?")


def parse_duration_s(text: str) -> float:
    """Return seconds for a Go duration such as `500ms` or `1h30m`; `d` and `w` are taken too."""
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration such as 500ms, 10s, 1h30m or 7d")
    return sum(float(number) * _UNIT_S[unit] for number, unit in _DURATION_PART.findall(text))


def parse_timeout_s(text: str) -> float:
    """Return the seconds of a deadline."""
    return _within(parse_duration_s(text), 0.001, 86_400, "a duration of 1ms to 24h, such as 10s")


def parse_refresh_s(text: str) -> float:
    """Return the seconds between two polls."""
    return _within(parse_duration_s(text), 0.01, 3600, "a duration of 10ms to 1h, such as 500ms")


def parse_age_s(text: str) -> float:
    """Return the seconds for which records are kept."""
    return _within(parse_duration_s(text), 1, 1e10, "a duration of at least 1s, such as 7d")


def parse_delay_s(text: str) -> float:
    """Return the seconds of a wait, also of none."""
    allowed = "a duration with its unit of at most 1h, such as 10s"
    try:
        return 0.0 if text == "0" else _within(parse_duration_s(text), 0, 3600, allowed)
    except ValueError as error:
        raise ValueError(allowed) from error


def parse_seconds(text: str) -> float:
    """Return a number of seconds, as flags have them; Go's form is taken too."""
    allowed = "seconds above 0, at most 86400"
    try:
        seconds = float(text) if re.fullmatch(r"[0-9.]{1,18}", text) else parse_duration_s(text)
    except ValueError as error:
        raise ValueError(allowed) from error
    return _within(seconds, 0.001, 86_400, allowed)


def parse_size_bytes(text: str) -> int:
    """Return bytes for an integer, or for a Kubernetes quantity such as `1Gi` or `500M`."""
    allowed = "bytes, at least 1Mi, such as 1Gi or 1073741824"
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(allowed)
    size = int(found.group(1)) * _UNIT_BYTES[found.group(2)]
    return _within(size, 1 << 20, 1 << 60, allowed)


def parse_bulk_size(text: str) -> int:
    """Return the number of records of one request; Elasticsearch refuses more than 10000.

    Source: elastic.co/docs/reference/elasticsearch/index-settings/index-modules,
    index.max_result_window.
    """
    return _integer(text, 1, 10_000)


def parse_port(text: str) -> int:
    """Return a TCP port; 0 means off."""
    return _integer(text, 0, 65_535, " (0 is off)")


def parse_count(text: str) -> int:
    """Return a number of things; 0 means any."""
    return _integer(text, 0, 999_999, " (0 is any number)")


def parse_address(text: str) -> str:
    """Return an IP address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise ValueError("an IP address, such as 127.0.0.1 or ::") from error


def is_loopback(address: str) -> bool:
    """Return whether only this machine reaches an address."""
    return ipaddress.ip_address(address).is_loopback


def parse_time_range(text: str) -> str:
    """Return date math or RFC 3339 as it is.

    Source: elastic.co/docs/reference/elasticsearch/rest-apis/common-options#date-math
    """
    allowed = "now, now-24h, now-7d/d, or RFC 3339 (2026-01-31T12:00:00Z)"
    if _RFC3339.fullmatch(text):
        return text
    math = _RANGE.fullmatch(text)
    if math is None:
        raise ValueError(allowed)
    steps = _RANGE_STEP.findall(math.group(1))
    seconds = sum(int(amount) * _STEP_S.get(unit, 60) for amount, unit in steps)
    _within(seconds, 0, _MAX_RANGE_S, f"{allowed}, within 500 years")
    return text


def parse_url(text: str) -> str:
    """Return the URL of a node without a slash at its end; `user:password@` may stand in it."""
    scheme = text.partition("://")[0].lower()
    if scheme not in ("http", "https") or "://" not in text:
        raise ValueError("a URL that begins with http:// or https://")
    if not text.isprintable() or " " in text:
        raise ValueError("a URL without blanks")
    try:
        parts = urlsplit(text)
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise ValueError("http[s]://[user:password@]host[:port], special characters as %XX")
    if parts.query or parts.fragment:
        raise ValueError("a URL without query and fragment")
    return text.rstrip("/")


def has_userinfo(url: str) -> bool:
    """Return whether a credential stands in a URL."""
    return "@" in urlsplit(url).netloc


def parse_text(text: str) -> str:
    """Return a text that is not empty."""
    if not text.strip():
        raise ValueError("a text that is not empty")
    return text


def _integer(text: str, least: int, most: int, remark: str = "") -> int:
    allowed = f"an integer from {least} to {most}{remark}"
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(allowed)
    return _within(int(text), least, most, allowed)


def _within(value: _Number, least: float, most: float, allowed: str) -> _Number:
    if not least <= value <= most:
        raise ValueError(allowed)
    return value


def parse_group_resource(text: str) -> str:
    """Return a resource of Kubernetes, as `resource[/subresource][.group]`."""
    if not _GROUP_RESOURCE.fullmatch(text):
        raise ValueError("resource, resource/subresource or resource.group, in lower case")
    return text
