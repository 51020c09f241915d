"""JSON bytes and timestamps: the only place that knows how either is written."""

import json
import math
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

MICROSECONDS = 1_000_000
# load_json takes 1024 levels. Mapping and writing go as deep by recursion: a document that could
# be read and not be written would fail every list that holds it.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 4000))
# Digits that int() takes without complaint, and more than any float has.
_LONGEST_NUMBER = 1000
# The years 1 to 9999: what RFC 3339 and Python's calendar can say.
_FIRST_US = -62_135_596_800 * MICROSECONDS
_LAST_US = 253_402_300_800 * MICROSECONDS - 1
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*([Zz]|[+-]\d\d:?\d\d)?"
)


def dump_json(value: object) -> bytes:
    """Return compact JSON in one line.

    What orjson refuses, such as integers beyond 64 bits, the standard library writes.
    Raises: ValueError for what JSON cannot say.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )


def dump_ascii_json(value: object) -> str:
    """Return compact JSON of nothing but printable ASCII.

    For logs: no text may move a terminal's cursor, or end a line for whoever splits at U+2028.
    """
    return json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


def dump_pretty_json(value: object) -> bytes:
    """Return indented JSON with a newline at its end, for people; what cannot be, in one line."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return dump_json(value) + b"\n"


def load_json(data: bytes | str) -> Any:
    """Return the value that JSON text says.

    Raises: ValueError for what is no JSON, also for text nested beyond the parser's depth.
    """
    return orjson.loads(data)


def load_lenient_json(data: bytes) -> Any:
    """Return the value of JSON as stores keep it, which is a little more than JSON.

    What is no UTF-8, and lone surrogates, become replacement characters; numbers that no float
    holds become text, so that every client can read them.
    Raises: ValueError for what is still none.
    """
    try:
        value = json.loads(
            data.decode("utf-8", "replace"),
            parse_float=lambda text: _number_or_text(text, float),
            parse_int=lambda text: _number_or_text(text, int),
            parse_constant=str,
        )
        # A surrogate survives in Python's text, and in no other.
        clean = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(clean)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _number_or_text(text: str, kind: type[int] | type[float]) -> int | float | str:
    if len(text) > _LONGEST_NUMBER or not math.isfinite(float(text)):
        return text
    return kind(text)


def parse_time_us(value: object) -> int | None:
    """Return microseconds since the epoch for a stored timestamp, or None for what is none.

    Taken: RFC 3339 text with up to nine fractional digits (no zone means UTC), and whole or decimal
    numbers, as Elasticsearch's `epoch_millis` (milliseconds) or, below 10^11, `epoch_second`.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number_us(value)
    if not isinstance(value, str):
        return None
    found = _RFC3339.fullmatch(value.strip())
    if found is not None:
        return _calendar_us(found)
    try:
        return _number_us(float(value))
    except ValueError:
        return None


def _number_us(value: float) -> int | None:
    if value != value or not 0 <= value < 1e17:
        return None
    if value < 1e11:
        return in_calendar(int(value * MICROSECONDS))
    return in_calendar(int(value) * 1000 + int((value - int(value)) * 1000))


def _calendar_us(found: re.Match[str]) -> int | None:
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, zone = found.group(7) or "", found.group(8) or "Z"
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    seconds = int(moment.timestamp()) + (second == 60)
    if zone not in "Zz":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        seconds -= minutes * 60 if zone[0] == "+" else -minutes * 60
    return in_calendar(seconds * MICROSECONDS + int((fraction + "000000")[:6]))


def in_calendar(time_us: int) -> int | None:
    """Return a time that the calendar can say, the years 1 to 9999, and None for others."""
    return time_us if _FIRST_US <= time_us <= _LAST_US else None


def format_seconds(time_us: int) -> str:
    """Return RFC 3339 in UTC with whole seconds, as metav1.Time is written."""
    return _text(time_us, "seconds")


def format_micros(time_us: int) -> str:
    """Return RFC 3339 in UTC with exactly six fractional digits, as metav1.MicroTime is written."""
    return _text(time_us, "microseconds")


def format_millis(time_us: int) -> str:
    """Return RFC 3339 in UTC with three fractional digits, for people."""
    return _text(time_us, "milliseconds")


def _text(time_us: int, precision: str) -> str:
    # Not strftime: it writes the year 1, Go's zero time, without its zeros.
    seconds, micros = divmod(time_us, MICROSECONDS)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"
