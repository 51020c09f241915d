"""Moments as people write them: RFC 3339, epoch milliseconds, or `now-24h` (date math)."""

import re
from datetime import UTC, datetime

from kjournal.codec import MICROSECONDS, in_calendar, parse_time_us

_MATH = re.compile(r"now((?:[+-][0-9]{1,12}[yMwdhHms])*)(?:/([yMwdhHms]))?")
_STEP = re.compile(r"([+-][0-9]+)([yMwdhHms])")
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "H": 3600, "m": 60, "s": 1}
ALLOWED = "RFC 3339 (2026-01-31T12:00:00Z), epoch milliseconds, or now-24h with s m h d w M y"


def parse_moment_us(text: str, now_us: int) -> int:
    """Return microseconds since the epoch.

    Months and years in date math are taken from the calendar, days and less as fixed lengths,
    all in UTC; `/d` rounds down to the unit.
    Raises: ValueError for anything else; ALLOWED says what is allowed.
    Source: elastic.co/docs/reference/elasticsearch/rest-apis/common-options#date-math
    """
    math = _MATH.fullmatch(text.strip())
    moment = parse_time_us(text) if math is None else in_calendar(_computed(math, now_us))
    if moment is None:
        raise ValueError(f"not a moment: {ALLOWED}")
    return moment


def _computed(math: re.Match[str], now_us: int) -> int:
    moment = now_us
    try:
        for amount, unit in _STEP.findall(math.group(1)):
            moment = _stepped(moment, int(amount), unit)
        return _rounded(moment, math.group(2)) if math.group(2) else moment
    except (OverflowError, OSError) as error:
        raise ValueError(f"out of the calendar: {ALLOWED}") from error


def _stepped(moment_us: int, amount: int, unit: str) -> int:
    if unit in _SECONDS:
        return moment_us + amount * _SECONDS[unit] * MICROSECONDS
    then = _calendar(moment_us)
    months = then.year * 12 + then.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    for day in range(then.day, 27, -1):
        try:
            return _micros(then.replace(year=year, month=month + 1, day=day))
        except ValueError:
            continue
    return _micros(then.replace(year=year, month=month + 1, day=min(then.day, 28)))


def _rounded(moment_us: int, unit: str) -> int:
    if unit in "dhHms":
        step = _SECONDS[unit] * MICROSECONDS
        return moment_us // step * step
    then = _calendar(moment_us).replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "w":
        return _micros(then) - then.weekday() * 86_400 * MICROSECONDS
    then = then.replace(day=1)
    return _micros(then.replace(month=1) if unit == "y" else then)


def _calendar(moment_us: int) -> datetime:
    return datetime.fromtimestamp(moment_us // MICROSECONDS, UTC).replace(
        microsecond=moment_us % MICROSECONDS
    )


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * MICROSECONDS + moment.microsecond
