"""The HTTP server: limits of its parser, idle time, and no access log of what people look for."""

from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Site

from kjournal.api.request import APIRequest

# Above kube-apiserver's 90 s of idle keep-alive: whoever closes first must be the client.
IDLE_S = 120
MAX_HEADER_BYTES = 128 * 1024


class _Channel(HTTPChannel):
    """HTTP/1.1 with room for long selectors and continue tokens."""

    totalHeadersSize = MAX_HEADER_BYTES
    MAX_LENGTH = MAX_HEADER_BYTES


class APISite(Site):
    """A site whose requests are APIRequests; it speaks HTTP/1.1 only."""

    protocol = _Channel  # type: ignore[assignment]  # HTTP/1.1 needs no generic channel

    def __init__(self, root: IResource) -> None:
        super().__init__(root, requestFactory=APIRequest, timeout=IDLE_S)

    def log(self, request: object) -> None:
        """Write nothing: selectors and names are not ours to keep."""
