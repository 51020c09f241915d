"""Ids for documents that come without one, as short and as ordered as Elasticsearch's own."""

from base64 import urlsafe_b64encode
from collections.abc import Callable

NODE_BYTES = 6
_COUNTS = 1 << 24


class AutoIds:
    """Makes ids of 20 characters: milliseconds, a counter, and the bytes of this process.

    Neighbours in time share a prefix, which keeps the index over ids dense.
    """

    def __init__(self, seconds: Callable[[], float], random_bytes: Callable[[int], bytes]) -> None:
        self._seconds = seconds
        self._node = random_bytes(NODE_BYTES)
        self._count = int.from_bytes(random_bytes(3), "big")
        self._last_ms = 0

    def next_id(self) -> str:
        """Return an id that was never returned before."""
        self._count = (self._count + 1) % _COUNTS
        self._last_ms = max(self._last_ms, int(self._seconds() * 1000))
        moment = self._last_ms.to_bytes(6, "big")
        return urlsafe_b64encode(moment + self._count.to_bytes(3, "big") + self._node).decode()
