"""A watch over a WebSocket: each event is one text message, the same JSON line as otherwise.

Nothing of the handshake is a sign of who asks: `gate.py` has admitted the request by then. Origin
is not looked at, and of the subprotocols that are offered the first is taken, as browsers break a
connection off that chooses none; its name says nothing about the messages, which are JSON for all
of them, as kube-apiserver's are. A client has nothing to say but ping and close.

Source: RFC 6455; apiserver pkg/endpoints/handlers/watch.go, HandleWS.
"""

import base64
import binascii
import re
import struct
from collections.abc import Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import AcceptConnection, CloseConnection, Ping
from wsproto.frame_protocol import CloseReason
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError
from zope.interface import implementer

from kjournal.api.request import CLOSING_S, APIRequest
from kjournal.api.writer import IEventStream, StreamWriter
from kjournal.errors import APIError, BadRequest

# Of a whole connection. A client sends nothing, but some talk to keep a connection alive.
MAX_RECEIVED_BYTES = 1 << 20
_VERSION = "13"
_KEY_BYTES = 16
_HEADERS = ("Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
_PROTOCOLS = "Sec-WebSocket-Protocol"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Browsers have no other place for a credential; it must not come back in an answer.
_CREDENTIAL = ".authorization.k8s.io."
# HTTP libraries offer it in every request without TLS; who does not know it ignores it.
_IGNORED = "h2c"
_FINAL_TEXT = 0x81


class _OtherVersion(BadRequest):
    """A WebSocket of another version than there is; the answer's header says which that is."""

    code = 426


@attrs.frozen
class Handshake:
    """A request for a WebSocket that can be granted."""

    _asked: H11Handshake
    _subprotocol: str | None

    def accepted(self, request: APIRequest) -> bytes:
        """Return the answer that makes a WebSocket of the connection, with our other headers."""
        request.setResponseCode(101)
        request.responseHeaders.removeHeader(b"Connection")  # a channel's own `close`
        headers = request.responseHeaders.getAllRawHeaders()
        others = [(name, value) for name, values in headers for value in values]
        return self._asked.send(AcceptConnection(self._subprotocol, extra_headers=others))


def handshake_of(request: APIRequest) -> Handshake | None:
    """Return the handshake that a watch request asks for, or None where it asks for a plain stream.

    Raises: BadRequest for one that no WebSocket can come of, and for other protocols.
    """
    tokens = {token.strip().lower() for token in request.header("Connection").split(",")}
    wanted = request.header("Upgrade").strip().lower()
    if "upgrade" not in tokens or wanted in ("", _IGNORED):
        return None
    if wanted != "websocket":
        raise BadRequest("a watch can be upgraded to a WebSocket only")
    if request.clientproto != b"HTTP/1.1":
        raise BadRequest("a WebSocket needs HTTP/1.1")
    # h11 fails for anything unusual in its own way, so that it sees only what matters.
    headers = {name: request.header(name) for name in _HEADERS if request.header(name)}
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise BadRequest("malformed WebSocket handshake")
    subprotocol = _chosen(request.header(_PROTOCOLS))
    if subprotocol:
        headers[_PROTOCOLS] = subprotocol
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    asked = H11Handshake(ConnectionType.SERVER)
    try:
        asked.initiate_upgrade_connection([(b"Host", b"kjournal"), *raw], b"/")
    except RemoteProtocolError as error:
        raise _refusal(request, error) from error
    if not _is_key(headers["Sec-WebSocket-Key"]):
        raise BadRequest("malformed WebSocket handshake: Sec-WebSocket-Key is 16 bytes in base64")
    return Handshake(asked, subprotocol)


def _chosen(offered: str) -> str | None:
    """Return the first of the subprotocols that is no credential."""
    names = (name.strip() for name in offered.split(","))
    usable = (name for name in names if _TOKEN.fullmatch(name) and _CREDENTIAL not in name)
    return next(usable, None)


def _refusal(request: APIRequest, error: RemoteProtocolError) -> APIError:
    if getattr(error.event_hint, "status_code", 0) == _OtherVersion.code:
        request.setHeader("Sec-WebSocket-Version", _VERSION)
        return _OtherVersion(f"of WebSockets only version {_VERSION} is served")
    return BadRequest(f"malformed WebSocket handshake: {error}")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


@implementer(IEventStream)
class EventMessages:
    """A watch as messages, on the connection of the request that asked for it.

    The connection stays the HTTP channel's, which tells the request of back-pressure and of its
    loss; only what is received comes here. `leaving` is called when the client says goodbye.
    """

    def __init__(
        self,
        request: APIRequest,
        clock: IReactorTime,
        handshake: Handshake,
        leaving: Callable[[], None],
    ) -> None:
        self._request, self._clock, self._leaving = request, clock, leaving
        self._channel: Any = request.channel
        self._channel.write(handshake.accepted(request))
        request.startedWriting = 1  # an error is no Status from here on
        self._connection = Connection(ConnectionType.SERVER)
        self._received_bytes = 0
        self._is_over = False
        self._ping: Ping | None = None
        self._writer = StreamWriter(request, clock, write=self._write, on_room=self._answer_ping)
        self._take_over()

    def _take_over(self) -> None:
        channel = self._channel
        # While it handles a request a channel gives what is received to this method as it comes.
        channel.rawDataReceived = self._received
        # What came before the answer it has kept as the next request.
        early, channel._dataBuffer = channel._dataBuffer, []  # noqa: SLF001 - there is no other way
        if early:
            channel.transport.resumeProducing()
            self._received(b"".join(early))

    async def send(self, frames: Iterable[bytes]) -> None:
        """Send each frame as a message."""
        if not self._is_closing:
            await self._writer.write(b"".join(map(_message, frames)))
            self._answer_ping()

    async def finish(self, frames: Iterable[bytes]) -> None:
        """Send the last messages, say goodbye, and wait until the client has gone.

        Whoever closes a connection that the other side still writes to destroys what is on its way.
        """
        if not self._is_closing:
            self._write(b"".join(map(_message, frames)))
            self._close(CloseReason.NORMAL_CLOSURE)
        gone: Deferred[None] = Deferred()  # the loss of the connection cancels who waits here
        try:
            await gone.addTimeout(CLOSING_S, self._clock)
        except TimeoutError:
            self._request.cut()

    @property
    def _is_closing(self) -> bool:
        return self._is_over or self._connection.state is not ConnectionState.OPEN

    def _received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._received_bytes += len(data)
        if self._received_bytes > MAX_RECEIVED_BYTES:
            self._hang_up(CloseReason.POLICY_VIOLATION)
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, Ping):
                self._ping = event
                self._answer_ping()
            elif isinstance(event, CloseConnection):
                self._hang_up(event.code)
                return

    def _answer_ping(self) -> None:
        """Answer the latest ping, but not a client that does not read what it gets."""
        if self._ping is None or self._is_closing or self._writer.paused:
            return
        if not self._writer.between_pieces:
            ping, self._ping = self._ping, None
            self._write(self._connection.send(ping.response()))

    def _close(self, code: int) -> None:
        goodbye = self._connection.send(CloseConnection(code))
        if not self._writer.between_pieces:  # inside a message it would be none
            self._write(goodbye)

    def _write(self, data: bytes) -> None:
        if not self._is_over:
            self._channel.write(data)

    def _hang_up(self, code: int) -> None:
        """End the connection, after a goodbye or after what no WebSocket sends."""
        if self._is_over:
            return
        if self._connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            self._close(code)
        self._is_over = True
        self._channel.loseConnection()
        # The transport says no more when it has room.
        self._writer.resumeProducing()
        self._leaving()


def _message(frame: bytes) -> bytes:
    """Return a frame as one unmasked text message; its bytes stay as they are."""
    size = len(frame)
    if size < 126:
        return struct.pack("!BB", _FINAL_TEXT, size) + frame
    if size < 1 << 16:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + frame
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + frame
