"""Elasticsearch nodes in memory, byte by byte: what the transport does with what they answer."""

from typing import Any

import attrs
from twisted.internet.address import HostnameAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import (
    ConnectingCancelledError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
)
from twisted.internet.interfaces import IProtocol, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer

from kjournal.codec import dump_json, load_json

PRODUCT = {"x-elastic-product": "Elasticsearch", "content-type": "application/json"}


class Transport(StringTransportWithDisconnection):
    """Aborts as a socket does: the protocol hears of it a moment later."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def abortConnection(self) -> None:
        self.connected, self.disconnecting = False, True
        self._clock.callLater(0, self.protocol.connectionLost, Failure(ConnectionAborted()))


@attrs.define
class Connection:
    """One connection to a node, with what was sent over it."""

    port: int
    protocol: Any
    transport: StringTransportWithDisconnection

    @property
    def request(self) -> str:
        """The latest request's head, in lower case."""
        return self._sent()[0].decode().lower()

    @property
    def body(self) -> Any:
        """The latest request's JSON."""
        return load_json(self._sent()[1])

    def _sent(self) -> tuple[bytes, bytes]:
        head, _, body = self.transport.value().partition(b"\r\n\r\n")
        return head, body

    def answer(
        self, document: object, status: int = 200, headers: dict[str, str] = PRODUCT
    ) -> None:
        """Send a whole answer, and forget the request."""
        self.receive(raw(document, status, headers))

    def receive(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.transport.clear()
        self.protocol.dataReceived(data)

    def lose(self, *, cleanly: bool = False) -> None:
        """End the connection."""
        self.transport.connected = False
        self.protocol.connectionLost(Failure(ConnectionDone() if cleanly else ConnectionLost()))


def raw(document: object, status: int = 200, headers: dict[str, str] = PRODUCT) -> bytes:
    """Return an answer's bytes."""
    data = document if isinstance(document, bytes) else dump_json(document)
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


@implementer(IAgentEndpointFactory)
class Network:
    """Connects to nodes by their port; those in `refusing` refuse, those in `dark` never answer."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.connections: list[Connection] = []
        self.refusing: set[int] = set()
        self.dark: set[int] = set()
        self.asked: list[int] = []

    def agent(self) -> IAgent:
        """Return the agent that reaches these nodes."""
        return Agent.usingEndpointFactory(self.clock, self)

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return Endpoint(self, uri.port)

    @property
    def latest(self) -> Connection:
        """The connection made last."""
        return self.connections[-1]


_CANCELLED = ConnectingCancelledError(HostnameAddress(b"es.example", 9200))


@implementer(IStreamClientEndpoint)
@attrs.define
class Endpoint:
    """Where one node listens."""

    network: Network
    port: int

    def connect(self, protocolFactory: Factory) -> Deferred[IProtocol]:  # noqa: N803
        self.network.asked.append(self.port)
        if self.port in self.network.refusing:
            return fail(ConnectionRefusedError())
        if self.port in self.network.dark:
            # As HostnameEndpoint: who cancels it is not told of a CancelledError.
            return Deferred(lambda waiting: waiting.errback(_CANCELLED))
        protocol: Any = protocolFactory.buildProtocol(None)  # type: ignore[arg-type]
        transport = Transport(self.network.clock)
        transport.protocol = protocol
        protocol.makeConnection(transport)
        self.network.connections.append(Connection(self.port, protocol, transport))
        return succeed(protocol)
