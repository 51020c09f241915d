"""Ages, as kubectl prints them."""

import pytest

from kjournal.kinds.age import human_age

M, H, D, Y = 60, 3600, 86_400, 365 * 86_400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (10 * M, "10m")),
        *((3 * H - 1, "179m"), (3 * H, "3h"), (3 * H + M, "3h1m"), (8 * H, "8h"), (47 * H, "47h")),
        *((2 * D, "2d"), (2 * D + H, "2d1h"), (8 * D, "8d"), (2 * Y - D, "729d"), (2 * Y, "2y")),
        *((2 * Y + D, "2y1d"), (8 * Y + D, "8y"), (80 * Y, "80y")),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    """At most two units, as in apimachinery's HumanDuration."""
    now_us = 10**16
    assert human_age(now_us - seconds * 1_000_000, now_us) == text


def test_unknown() -> None:
    """The zero time has no age."""
    assert human_age(0, 10**16) == "<unknown>"
