"""The HTTP server: limits of its parser, idle time, and no access log of what people look for."""

from typing import Any

from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource
from twisted.web.server import Site

from kjournal.api.request import APIRequest
from kjournal.codec import dump_json
from kjournal.encoding.status import status_of
from kjournal.errors import APIError, BadRequest, RequestHeaderFieldsTooLarge, RequestURITooLong

# Above kube-apiserver's 90 s of idle keep-alive: whoever closes first must be the client.
IDLE_S = 120
MAX_HEADER_BYTES = 128 * 1024
# What was refused is read on for so long: a connection closed on unread bytes loses the answer.
LINGER_S = 1.0
# Go's ReadHeaderTimeout. It begins with the connection, so that it bounds the handshake too.
ARRIVAL_S = 32.0
# Connections on which no request has come whole yet; each costs a handshake's memory.
MAX_ARRIVING = 4096
_PHRASES = {400: b"Bad Request", 414: b"URI Too Long", 431: b"Request Header Fields Too Large"}


class _Channel(HTTPChannel):
    """HTTP/1.1 with room for long selectors and continue tokens, and a Status for what is longer.

    What fails here is no request yet, and so passes no gate.
    """

    totalHeadersSize = MAX_HEADER_BYTES
    MAX_LENGTH = MAX_HEADER_BYTES
    _arrival: Any = None

    def connectionMade(self) -> None:
        """Notice also those who vanish without a word, as on HTTP/1.1 nobody pings."""
        super().connectionMade()
        transport: Any = self.transport
        transport.setTcpKeepAlive(True)
        site: Any = self.factory
        site.channels.add(self)
        self._begin_arrival()

    def dataReceived(self, data: bytes) -> None:
        """Give a request so long to come whole, however often a byte of it comes."""
        if self._arrival is None and not self._handlingRequest:
            self._begin_arrival()
        super().dataReceived(data)

    def allContentReceived(self) -> None:
        """The request is whole; its answer has deadlines of its own."""
        self._end_arrival()
        super().allContentReceived()

    def _begin_arrival(self) -> None:
        site: Any = self.factory
        self._arrival = self.callLater(ARRIVAL_S, self.forceAbortClient)
        site.arriving[self] = None
        if len(site.arriving) > MAX_ARRIVING:
            oldest = next(iter(site.arriving))
            del site.arriving[oldest]
            oldest.forceAbortClient()

    def _end_arrival(self) -> None:
        site: Any = self.factory
        site.arriving.pop(self, None)
        if self._arrival is not None and self._arrival.active():
            self._arrival.cancel()
        self._arrival = None

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Forget the connection."""
        site: Any = self.factory
        site.channels.discard(self)
        self._end_arrival()
        super().connectionLost(reason)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take the producer of an answer, and tell it if the answer before is not read yet."""
        super().registerProducer(producer, streaming)
        if self._waitingForTransport:
            producer.pauseProducing()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line of the head that is too long."""
        whole = f"{MAX_HEADER_BYTES // 1024} KiB"
        if self._receivedHeaderSize == 0:
            self._refuse(RequestURITooLong(f"the request's URL is longer than {whole}"))
        else:
            self._refuse(
                RequestHeaderFieldsTooLarge(f"the request's headers are longer than {whole}")
            )

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Refuse a head that is too long, has too many headers, or is none."""
        too_long = self._receivedHeaderSize > self.totalHeadersSize
        if too_long or self._receivedHeaderCount > self.maxHeaders:
            most = f"{MAX_HEADER_BYTES // 1024} KiB and {self.maxHeaders} headers"
            self._refuse(RequestHeaderFieldsTooLarge(f"the request's headers are more than {most}"))
        else:
            self._refuse(BadRequest("the request is no HTTP/1.1"))

    def _refuse(self, error: APIError) -> None:
        body = dump_json(status_of(error))
        transport: Any = self.transport
        transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
            b"Cache-Control: no-cache, private\r\nConnection: close\r\n\r\n%s"
            % (error.code, _PHRASES[error.code], len(body), body)
        )
        self.dataReceived = self.lineReceived = _ignored  # type: ignore[assignment, method-assign]
        self.callLater(LINGER_S, self.loseConnection)


def _ignored(_: Any) -> None:
    """Drop what comes after a refusal."""


class APISite(Site):
    """A site whose requests are APIRequests; it speaks HTTP/1.1 only."""

    protocol = _Channel  # type: ignore[assignment]  # HTTP/1.1 needs no generic channel

    def __init__(self, root: IResource, channels: set[Any] | None = None) -> None:
        """Serve `root`; `channels` are kept to be those that are open."""
        super().__init__(root, requestFactory=APIRequest, timeout=IDLE_S)
        self.channels: set[Any] = set() if channels is None else channels
        self.arriving: dict[Any, None] = {}

    def log(self, request: object) -> None:
        """Write nothing: selectors and names are not ours to keep."""
