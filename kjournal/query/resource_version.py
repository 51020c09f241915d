"""resourceVersions: canonical positive decimals, minted as microseconds since the epoch."""

import re

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
        raise BadRequest('resourceVersion: invalid value; allowed are "", "0" and a number we gave')
    return int(text)


class Mint:
    """Makes resourceVersions: strictly increasing, never below the clock in microseconds."""

    def __init__(self) -> None:
        self.last = 0

    def next(self, now_us: int) -> int:
        """Return a number above all given before."""
        self.last = max(self.last + 1, now_us)
        return self.last
