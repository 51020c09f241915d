"""A watch over a WebSocket, in bytes: the handshake, the messages, and how it ends."""

from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer
from wsproto.connection import Connection, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)
from zope.interface.verify import verifyClass

from kjournal.api.request import CLOSING_S
from kjournal.api.watch import BOOKMARK_S
from kjournal.api.websocket import MAX_RECEIVED_BYTES, EventMessages, _message
from kjournal.api.writer import PIECE_BYTES, STALL_S, EventLines, IEventStream, StreamWriter
from kjournal.codec import load_json
from kjournal.errors import StoreUnavailable
from tests.conftest import LoggedFailures
from tests.unit.api.serving import ROOT, TABLE, Call, Server, Step, Transport
from tests.unit.api.verbs import LINES, WATCHLIST, hub, version_of, watch

# The example of RFC 6455, section 1.3.
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "WebSocket",
    "Sec_WebSocket_Key": KEY,
    "Sec_WebSocket_Version": "13",
}
BEARER = "base64url.bearer.authorization.k8s.io.c2VjcmV0"


@attrs.define
class Socket:
    """A client's side of one connection."""

    call: Call
    _own: Connection = attrs.field(factory=lambda: Connection(ConnectionType.CLIENT))

    @property
    def events(self) -> list[Event]:
        """All that was received after the handshake."""
        peer = Connection(ConnectionType.CLIENT)
        peer.receive_data(self.call.bytes.partition(b"\r\n\r\n")[2])
        return list(peer.events())

    @property
    def texts(self) -> list[str]:
        """The messages."""
        return [event.data for event in self.events if isinstance(event, TextMessage)]

    @property
    def frames(self) -> list[Any]:
        """The messages' events."""
        return [load_json(text) for text in self.texts]

    @property
    def types(self) -> list[tuple[str, Any]]:
        """Type and payload of each event."""
        return [(f["type"], f["object"].get("payload")) for f in self.frames]

    @property
    def pongs(self) -> list[bytes]:
        """What pings were answered with."""
        return [bytes(event.payload) for event in self.events if isinstance(event, Pong)]

    @property
    def closed(self) -> list[int]:
        """The codes of close frames."""
        return [int(event.code) for event in self.events if isinstance(event, CloseConnection)]

    @property
    def left_alone(self) -> bool:
        """Whether the server has done nothing to end the connection."""
        return not self.call.transport.disconnecting

    def send(self, event: Event) -> None:
        """Send a frame."""
        self.receive(self._own.send(event))

    def receive(self, data: bytes) -> None:
        """Send bytes."""
        self.call.channel.dataReceived(data)


def socket(api: Server, more: str = "", path: str = LINES, **headers: str) -> Socket:
    """Begin a watch over a WebSocket."""
    return Socket(watch(api, more, path, **{**UPGRADE, **headers}))


def live(api: Server, more: str = "") -> Socket:
    """Begin a watch over a WebSocket from now on."""
    return socket(api, f"&resourceVersion={version_of(api)}{more}")


def test_streams_are_streams() -> None:
    """Both ways of sending are what a watch asks for, and the writer what a transport asks for."""
    assert verifyClass(IEventStream, EventLines)
    assert verifyClass(IEventStream, EventMessages)
    assert verifyClass(IPushProducer, StreamWriter)


def test_handshake(api: Server) -> None:
    """An upgrade is granted as RFC 6455 says, with the headers of every answer."""
    found = live(api)
    assert found.call.status == 101
    headers = found.call.headers
    assert headers["sec-websocket-accept"] == ACCEPT
    assert (headers["upgrade"].lower(), headers["connection"].lower()) == ("websocket", "upgrade")
    assert headers["audit-id"]
    for name in ("content-type", "transfer-encoding", "content-length", "sec-websocket-protocol"):
        assert name not in headers
    assert found.events == []


def test_the_channel_has_no_say(api: Server) -> None:
    """A client's `close` is not repeated in the upgrade, whose status the request knows."""
    call = socket(api, Connection="Upgrade, close").call
    assert [value for name, value in call.header_lines if name == "connection"] == ["Upgrade"]
    (request,) = call.channel.requests
    assert request.code == 101


def test_messages(api: Server) -> None:
    """Each event is one text message: the line of the plain stream, with its newline."""
    version = version_of(api)
    plain = watch(api, f"&resourceVersion={version}")
    found = socket(api, f"&resourceVersion={version}")
    for number, size in enumerate((1, 1000, 70_000)):
        api.line(str(number), payload="x" * size)
    api.tick()
    assert [len(f["object"]["payload"]) for f in found.frames] == [1, 1000, 70_000]
    assert "".join(found.texts).encode() == plain.body
    assert all(text.endswith("\n") for text in found.texts)
    event = hub(api).window.all.at(hub(api).window.all.end - 1)
    assert len(event.frames) == 1


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536])
def test_size_of_a_message(size: int) -> None:
    """A message of any size is framed as RFC 6455 says, and its bytes stay as they are."""
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(_message(b"x" * size))
    (event,) = (e for e in peer.events() if isinstance(e, TextMessage))
    assert (event.data, event.message_finished) == ("x" * size, True)


def test_state_first(api: Server) -> None:
    """Initial events, their end mark and what follows come as in a plain stream."""
    api.lines(3)
    found = socket(api, WATCHLIST)
    assert [f["type"] for f in found.frames] == ["ADDED"] * 3 + ["BOOKMARK"]
    api.line("3")
    api.tick(BOOKMARK_S)
    api.tick()
    assert [f["type"] for f in found.frames][4:] == ["ADDED", "BOOKMARK"]


def test_table(api: Server) -> None:
    """Messages come in the representation that Accept asks for."""
    api.lines(1)
    (frame,) = socket(api, Accept=TABLE).frames
    assert frame["object"]["kind"] == "Table"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("base64.binary.k8s.io", "base64.binary.k8s.io"),
        (f"{BEARER}, binary.k8s.io", "binary.k8s.io"),
        ("odd,channel.k8s.io", "odd"),
        (f"base64.binary.k8s.io,{BEARER}", "base64.binary.k8s.io"),
        (BEARER, None),
        ("base64url.headlamp.authorization.k8s.io.me", None),
        ("no token, fine", "fine"),
        ("\u00fc, fine", "fine"),
        (" , ", None),
    ],
)
def test_subprotocols(api: Server, offered: str, chosen: str | None) -> None:
    """The first subprotocol offered is taken, save a credential; the messages stay JSON."""
    api.lines(1)
    found = socket(api, Sec_WebSocket_Protocol=offered)
    assert found.call.status == 101
    assert found.call.headers.get("sec-websocket-protocol") == chosen
    assert b"authorization" not in found.call.bytes
    assert found.types == [("ADDED", "0")]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        *(("", 101), ("http://localhost:8001", 101), ("http://127.0.0.1", 101)),
        *(("null", 403), ("https://elsewhere.example", 403), ("http://localhost.evil", 403)),
    ],
)
def test_origins_of_the_plain_port(api: Server, origin: str, status: int) -> None:
    """It asks nobody who they are, so that pages of other origins must not read by it."""
    headers = {"Origin": origin} if origin else {}
    assert socket(api, **headers).call.status == status
    assert api.get("/logs", **headers).status == (200 if status == 101 else 403)


@pytest.mark.parametrize("origin", ["", "null", "https://elsewhere.example"])
def test_any_origin(api: Server, origin: str) -> None:
    """Where somebody vouches for who asks, Origin says nothing."""

    async def look(_: Any) -> None:
        """Look at nothing."""

    api.guarded_by(Step(look))
    headers = {"Origin": origin} if origin else {}
    assert socket(api, **headers).call.status == 101


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Sec_WebSocket_Key": ""}, "Sec-WebSocket-Key"),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, "16 bytes"),
        ({"Sec_WebSocket_Key": "!" * 24}, "16 bytes"),
        ({"Sec_WebSocket_Key": "\u00fc" * 12}, "malformed"),
        ({"Sec_WebSocket_Version": ""}, "Sec-WebSocket-Version"),
        ({"Upgrade": "SPDY/3.1"}, "only"),
        ({"Upgrade": "websocket, h2c"}, "only"),
    ],
)
def test_malformed(api: Server, change: dict[str, str], message: str) -> None:
    """A handshake that no WebSocket can come of is 400, and nothing is begun."""
    call = socket(api, **change).call
    assert call.status == 400
    assert (call.json["kind"], call.json["reason"]) == ("Status", "BadRequest")
    assert message in call.json["message"]
    assert len(hub(api)) == 0


def test_other_version(api: Server) -> None:
    """Another version of WebSockets is 426, with the one that is served."""
    call = socket(api, Sec_WebSocket_Version="8").call
    assert (call.status, call.json["code"]) == (426, 426)
    assert call.headers["sec-websocket-version"] == "13"


def test_old_http(api: Server) -> None:
    """HTTP/1.0 knows no upgrade."""
    channel, transport = api.site.buildProtocol(None), Transport()
    assert channel is not None
    channel.makeConnection(transport)
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in UPGRADE.items()]
    head = [f"GET {ROOT}{LINES}?watch=1 HTTP/1.0", "Host: localhost", *lines, "", ""]
    channel.dataReceived("\r\n".join(head).encode())
    api.tick(0)
    assert Call(channel, transport, api.clock).status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "websocket"},
        {"Connection": "Upgrade"},
        {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"},
    ],
)
def test_no_upgrade(api: Server, headers: dict[str, str]) -> None:
    """Half an upgrade, and HTTP/2 that libraries offer everywhere, are a plain stream."""
    api.lines(1)
    found = watch(api, **headers)
    assert (found.status, found.types) == (200, [("ADDED", "0")])


def test_only_watches(api: Server) -> None:
    """An upgrade of anything but a watch is a plain request."""
    api.lines(1)
    assert len(api.get(LINES, **UPGRADE).json["items"]) == 1


@pytest.mark.parametrize(
    ("more", "headers", "status"),
    [
        ("&resourceVersion=x", {}, 400),
        ("&sendInitialEvents=true", {}, 422),
        ("", {"Accept": "application/vnd.kubernetes.protobuf"}, 406),
    ],
)
def test_refused_before(api: Server, more: str, headers: dict[str, str], status: int) -> None:
    """What is refused before a plain stream is refused before the upgrade, by a Status."""
    call = socket(api, more, **headers).call
    assert (call.status, call.json["code"]) == (status, status)


def test_store_down_before(api: Server) -> None:
    """A store that does not answer before the first event is a Status."""
    api.store().next_answers("list_page", StoreUnavailable("gone"))
    assert socket(api).call.status == 503


def test_too_old(api: Server) -> None:
    """A version that is no longer known is an ERROR message, then a goodbye."""
    found = socket(api, "&resourceVersion=1")
    assert found.call.status == 101
    (frame,) = found.frames
    assert (frame["type"], frame["object"]["code"]) == ("ERROR", 410)
    assert found.closed == [1000]


def test_timeout(api: Server) -> None:
    """A watch says goodbye at its timeout, and closes once the client has answered."""
    found = live(api, "&timeoutSeconds=5&allowWatchBookmarks=true")
    api.tick(4.9)
    assert found.closed == []
    api.tick(0.2)
    assert [f["type"] for f in found.frames] == ["BOOKMARK"]
    assert found.closed == [1000]
    assert len(hub(api)) == 0
    assert found.left_alone
    found.send(CloseConnection(1000))
    assert not found.left_alone
    assert found.closed == [1000]
    found.call.done()
    api.tick(CLOSING_S + 1)
    assert not found.call.transport.aborted


def test_no_answer(api: Server) -> None:
    """A client that does not answer a goodbye is cut off."""
    found = live(api, "&timeoutSeconds=5")
    api.tick(5)
    found.send(Ping())
    api.tick(CLOSING_S + 0.1)
    assert found.call.transport.aborted
    assert found.pongs == []


def test_shutdown(api: Server) -> None:
    """A stop says goodbye."""
    found = live(api)
    Deferred.fromCoroutine(api.resources["containerlogs"].tail.stop())
    api.tick(0)
    assert found.closed == [1000]


def test_goodbye(api: Server) -> None:
    """A client's goodbye is answered, and ends the watch whatever the connection does."""
    found = live(api)
    found.send(CloseConnection(4000, "enough"))
    api.tick(0)
    assert found.closed == [4000]
    assert not found.left_alone
    assert len(hub(api)) == 0
    api.line("x")
    found.receive(b"more")
    api.tick()
    assert found.frames == []
    api.tick(CLOSING_S)
    assert found.call.transport.aborted


def test_goodbye_in_initial_events(api: Server) -> None:
    """A client that says goodbye while its initial events are read gets no more of them."""
    slow: Deferred[None] = Deferred()
    api.lines(400)
    api.store().page_records = 300
    api.store().next_answers("list_page", succeed(None), slow)
    found = socket(api)
    found.send(CloseConnection(1000))
    sent = len(found.call.bytes)
    slow.callback(None)
    api.tick(0)
    assert len(found.call.bytes) == sent
    assert len(hub(api)) == 0
    assert api.store().released


def test_disconnect(api: Server) -> None:
    """A client that leaves without a goodbye frees its place."""
    found = live(api, "&allowWatchBookmarks=true")
    found.call.leave()
    assert len(hub(api)) == 0
    api.tick(BOOKMARK_S * 2)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x81\x01x", b"\xff"])
def test_garbage(api: Server, data: bytes) -> None:
    """What is no frame of a client ends the connection with 1002."""
    found = live(api)
    found.receive(data + bytes(20))
    api.tick(0)
    assert found.closed == [1002]
    assert not found.left_alone
    assert len(hub(api)) == 0
    found.receive(data)
    assert found.closed == [1002]


def test_ping(api: Server) -> None:
    """Pings are answered, in the middle of events."""
    found = live(api)
    found.send(Ping(b"one"))
    api.line("x")
    api.tick()
    found.send(Ping(b"two"))
    assert found.pongs == [b"one", b"two"]
    assert found.types == [("ADDED", "x")]


def test_pings_of_who_does_not_read(api: Server) -> None:
    """Pings of a client that reads nothing fill no memory; the latest is answered when it reads."""
    found = live(api)
    found.call.transport.producer.pauseProducing()
    for number in range(1000):
        found.send(Ping(b"%d" % number))
    assert found.pongs == []
    found.call.transport.producer.resumeProducing()
    assert found.pongs == [b"999"]


def test_chatter(api: Server) -> None:
    """What a client says is ignored, up to a limit."""
    found = live(api)
    found.send(TextMessage("hello"))
    found.send(BytesMessage(bytes(MAX_RECEIVED_BYTES - 100)))
    api.line("x")
    api.tick()
    assert found.types == [("ADDED", "x")]
    found.send(Ping(bytes(100)))
    api.tick(0)
    assert found.closed == [1008]
    assert len(hub(api)) == 0


def test_early_frames(api: Server) -> None:
    """Frames that come before the answer are not lost, and reading goes on."""
    slow: Deferred[None] = Deferred()
    version_of(api)
    api.lines(1)
    api.store().next_answers("list_page", slow)
    found = socket(api)
    assert found.call.status == 0
    found.send(TextMessage("x" * 50_000))
    found.send(Ping(b"early"))
    assert found.call.transport.producerState == "paused"
    slow.callback(None)
    api.tick(0)
    assert found.pongs == [b"early"]
    assert found.call.transport.producerState == "producing"


def test_slow_reader(api: Server) -> None:
    """A paused reader gets nothing more, and everything in order when it reads again."""
    found = live(api)
    found.call.transport.producer.pauseProducing()
    api.lines(1)
    api.tick()
    size = len(found.call.bytes)
    api.lines(5, begin=1)
    api.tick(20)
    assert len(found.call.bytes) == size
    found.call.transport.producer.resumeProducing()
    api.tick(0)
    assert [payload for _, payload in found.types] == [str(n) for n in range(6)]


def test_stalled_reader(api: Server) -> None:
    """A reader that takes nothing for 30 s is cut off, and its place freed."""
    found = live(api)
    found.call.transport.producer.pauseProducing()
    api.line("x")
    api.tick()
    api.tick(STALL_S + 1)
    assert found.call.transport.aborted
    assert len(hub(api)) == 0
    assert api.tail().figures.slow_closes == 1


def narrow(found: Socket) -> None:
    """Have the transport say that it is full after each long write, as a socket does."""
    transport: Any = found.call.transport
    write, transport_bytes = transport.write, 1 << 16

    def written(data: bytes) -> None:
        write(data)
        if len(data) > transport_bytes:
            transport.producer.pauseProducing()

    transport.write = written


def test_a_long_message_comes_in_pieces(api: Server) -> None:
    """A slow reader of a long message is no stalled one, and no pong gets into the message."""
    found = live(api)
    narrow(found)
    payload = "x" * (PIECE_BYTES * 2)
    api.line("0", payload=payload)
    api.tick()
    found.send(Ping(b"there?"))
    sizes = [len(found.call.bytes)]
    api.tick(STALL_S - 1)
    found.call.transport.producer.resumeProducing()
    sizes.append(len(found.call.bytes))
    assert sizes[0] < PIECE_BYTES * 2
    assert sizes[1] - sizes[0] == PIECE_BYTES
    assert found.pongs == []
    api.tick(STALL_S - 1)
    found.call.transport.producer.resumeProducing()
    assert found.pongs == [b"there?"]
    assert "".join(found.texts).count(payload) == 1
    assert not found.call.transport.aborted


def test_goodbye_inside_a_message(api: Server) -> None:
    """Who says goodbye in the middle of a long message gets neither its rest nor a close frame."""
    found = live(api)
    narrow(found)
    api.line("0", payload="x" * (PIECE_BYTES * 3))
    api.tick()
    sent = len(found.call.bytes)
    found.send(CloseConnection(1000))
    api.tick(0)
    assert len(found.call.bytes) == sent
    assert not found.left_alone
    assert len(hub(api)) == 0


def test_chatter_and_a_goodbye(api: Server) -> None:
    """A connection that is given up is given up once."""
    found = live(api)
    client = Connection(ConnectionType.CLIENT)
    chatter = client.send(TextMessage("x" * (MAX_RECEIVED_BYTES + 1)))
    found.receive(chatter + client.send(CloseConnection(1000)))
    assert found.closed == [1008]
    assert not found.left_alone


def test_goodbye_of_who_does_not_read(api: Server) -> None:
    """A client that says goodbye without having read is waited for no longer than any other."""
    found = live(api)
    found.call.transport.producer.pauseProducing()
    api.line("x")
    api.tick()
    found.send(CloseConnection(1000))
    api.tick(CLOSING_S + 0.1)
    assert found.call.transport.aborted
    assert len(hub(api)) == 0


def test_idle(api: Server) -> None:
    """The time that an idle HTTP connection has does not end a quiet watch."""
    found = live(api)
    found.send(Ping())
    api.tick(600)
    assert found.left_alone
    api.line("x")
    api.tick()
    assert found.types == [("ADDED", "x")]


def test_bug(api: Server, logged_failures: LoggedFailures) -> None:
    """A bug after the upgrade breaks the connection, and tells nothing of itself."""
    broken: Deferred[None] = Deferred()
    api.lines(400)
    api.store().page_records = 300
    api.store().next_answers("list_page", succeed(None), broken)
    found = socket(api)
    broken.errback(ZeroDivisionError("secret"))
    api.tick(0)
    assert found.call.transport.aborted
    assert found.closed == []
    assert b"secret" not in found.call.bytes
    assert len(logged_failures.events) == 1
    logged_failures.clear()
