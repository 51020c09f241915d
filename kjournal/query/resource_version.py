"""resourceVersions: canonical positive decimals, minted as microseconds since the epoch."""

import re
import secrets
from collections.abc import Iterator
from itertools import count

from kjournal.errors import BadRequest

_CANONICAL = re.compile(r"0|[1-9][0-9]{0,18}")


def parse_resource_version(text: str) -> int | None:
    """Return the number, 0 for "0" (any), None for "" (the most recent).

    Raises: BadRequest for anything but a canonical decimal.
    Source: KEP-5504, and kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    if text == "":
        return None
    if not _CANONICAL.fullmatch(text):
        raise BadRequest('resourceVersion: invalid value; allowed are "", "0" and a decimal number')
    return int(text)


STEP = 16
"""What a process mints differs by a multiple of this, so that a number tells who may have."""


class Mint:
    """Makes resourceVersions: strictly increasing, never below the time in microseconds.

    All are alike modulo STEP: a number of another process is unlike them, by all chances but one.
    """

    def __init__(self, residue: int | None = None) -> None:
        self.last = 0
        self._residue = secrets.randbelow(STEP) if residue is None else residue % STEP

    def next(self, now_us: int) -> int:
        """Return a number above all given before."""
        least = max(self.last + 1, now_us)
        self.last = least + (self._residue - least) % STEP
        return self.last

    def others(self, above: int) -> Iterator[int]:
        """Yield the numbers above one that this mint never gives, ascending."""
        return (number for number in count(above + 1) if number % STEP != self._residue)
