"""Ages as kubectl prints them."""

from kjournal.codec import MICROSECONDS

UNKNOWN = "<unknown>"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400


def human_age(time_us: int, now_us: int) -> str:
    """Return the time since then in at most two units; `<unknown>` for the zero time.

    Source: apimachinery util/duration/duration.go, HumanDuration.
    """
    if time_us == 0:
        return UNKNOWN
    seconds = max(0, now_us - time_us) // MICROSECONDS
    # (below this, the first unit with its letter, the second or none)
    for limit, unit, letter, rest, rest_letter in (
        (2 * _MINUTE, 1, "s", 0, ""),
        (10 * _MINUTE, _MINUTE, "m", 1, "s"),
        (3 * _HOUR, _MINUTE, "m", 0, ""),
        (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
        (2 * _DAY, _HOUR, "h", 0, ""),
        (8 * _DAY, _DAY, "d", _HOUR, "h"),
        (2 * _YEAR, _DAY, "d", 0, ""),
        (8 * _YEAR, _YEAR, "y", _DAY, "d"),
    ):
        if seconds < limit:
            second = seconds % unit // rest if rest else 0
            return f"{seconds // unit}{letter}" + (f"{second}{rest_letter}" if second else "")
    return f"{seconds // _YEAR}y"
