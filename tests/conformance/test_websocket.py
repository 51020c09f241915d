"""Sections 3.9 and 3.1: a watch over a WebSocket, and events that are too long for one."""

from types import TracebackType
from typing import Any
from uuid import uuid4

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from kjournal.codec import load_json
from kjournal.encoding.frames import MAX_FRAME_BYTES
from kjournal.encoding.truncation import TRUNCATED
from tests.conformance.records import lines
from tests.conformance.served import Served
from tests.conformance.statuses import check_status, refused
from tests.conformance.ways import WAYS
from tests.integration.stories import container_line, path_of

BEARER = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
WEBSOCKET = {
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
HEADLAMP = "base64.binary.k8s.io"
FROM_NOW = "&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"


class Socket:
    """A WebSocket client that knows as much as these tests ask."""

    def __init__(self, served: Served, path: str, *subprotocols: str, **headers: str) -> None:
        self._http = served.connection()
        self._http.connect()
        self._peer = WSConnection(ConnectionType.CLIENT)
        self._coming: list[Event] = []
        named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        request = Request(
            host="localhost", target=path, subprotocols=list(subprotocols), extra_headers=named
        )
        self.send(request)
        self.answer = self.next_event()

    def __enter__(self) -> "Socket":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def subprotocol(self) -> str | None:
        """What was chosen; the upgrade must have been granted."""
        assert isinstance(self.answer, AcceptConnection), self.answer
        return self.answer.subprotocol

    def send(self, event: Any) -> None:
        """Send a frame."""
        self._http.sock.sendall(self._peer.send(event))

    def next_event(self) -> Event:
        """Return what comes next of the protocol."""
        while not self._coming:
            data = self._http.sock.recv(65536)
            assert data, "the connection was closed without a goodbye"
            self._peer.receive_data(data)
            self._coming.extend(self._peer.events())
        return self._coming.pop(0)

    def next(self) -> Any:
        """Return the next watch event, from a message that is one line."""
        text = ""
        while True:
            event = self.next_event()
            assert isinstance(event, TextMessage), event
            text += event.data
            if event.message_finished:
                assert text.endswith("\n")
                assert text.count("\n") == 1
                return load_json(text)

    def said(self, count: int) -> list[str]:
        """Return what the lines of the next events say."""
        return [self.next()["object"]["payload"]["log"] for _ in range(count)]

    def goodbye(self) -> int:
        """Return the code of the close frame that must come next; answer it, and be closed."""
        event = self.next_event()
        assert isinstance(event, CloseConnection), event
        self.send(event.response())
        assert self._http.sock.recv(1) == b""
        return int(event.code)

    def refusal(self) -> tuple[int, Any]:
        """Return status and document of an upgrade that was not granted."""
        assert isinstance(self.answer, RejectConnection), self.answer
        body = b""
        while True:
            event = self.next_event()
            assert isinstance(event, RejectData), event
            body += event.data
            if event.body_finished:
                return self.answer.status_code, load_json(body)


@pytest.fixture
def namespace() -> str:
    """Return a namespace that nobody else writes to."""
    return f"ws-{uuid4().hex[:8]}"


def watched(namespace: str, query: str = "") -> str:
    """Return the path of a watch of a namespace's lines."""
    return f"{path_of('containerlogs', namespace)}?watch=true{query}"


@pytest.mark.paragraph("3.9", "Each event of a WebSocket watch is one text message of one line.")
def test_messages(served: Served, namespace: str) -> None:
    """What is there comes first, then what is written; two clients see the same."""
    served.write(lines(served, 3, namespace=namespace))
    with Socket(served, watched(namespace)) as one, Socket(served, watched(namespace)) as two:
        assert one.subprotocol is None
        first = [one.next() for _ in range(3)]
        assert [event["type"] for event in first] == ["ADDED"] * 3
        assert [event["object"]["payload"]["log"] for event in first] == [
            "line-0000",
            "line-0001",
            "line-0002",
        ]
        assert two.said(3) == ["line-0000", "line-0001", "line-0002"]
        for long in (10, 100_000):
            document = container_line("x" * long, namespace=namespace)
            served.write([(served.index("containerlogs"), None, document)])
            assert one.next() == (event := two.next())
            assert len(event["object"]["payload"]["log"]) == long


@pytest.mark.paragraph("3.9", "One subprotocol of those offered is echoed, and never a credential.")
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([HEADLAMP], HEADLAMP),
        ([BEARER, HEADLAMP], HEADLAMP),
        ([HEADLAMP, BEARER], HEADLAMP),
        (["unknown", HEADLAMP], "unknown"),
        ([BEARER], None),
    ],
)
def test_subprotocols(
    served: Served, namespace: str, offered: list[str], chosen: str | None
) -> None:
    """Whatever is chosen, messages are plain JSON: Headlamp parses them as they come."""
    served.write(lines(served, 1, namespace=namespace))
    with Socket(served, watched(namespace), *offered) as found:
        assert found.subprotocol == chosen
        assert found.said(1) == ["line-0000"]


@pytest.mark.paragraph("3.9", "Origin may be missing or anything: it is no sign of who asks.")
@pytest.mark.parametrize("origin", [{}, {"Origin": "https://headlamp.example"}])
def test_any_origin(served: Served, namespace: str, origin: dict[str, str]) -> None:
    """A browser's upgrade and a program's are granted alike; the plain port serves no pages."""
    if origin and not served.proxied:
        assert served.ask(watched(namespace), headers=origin).status == 403
        return
    with Socket(served, watched(namespace), **origin) as found:
        assert found.subprotocol is None


@pytest.mark.paragraph("3.9", "What fails after the upgrade is an ERROR message, then a goodbye.")
def test_an_expired_version(served: Served, namespace: str) -> None:
    """A version that is too old is 410 in the stream."""
    with Socket(served, watched(namespace, "&resourceVersion=1")) as found:
        event = found.next()
        assert event["type"] == "ERROR"
        check_status(event["object"], 410)
        assert found.goodbye() == 1000


@pytest.mark.paragraph("3.9", "What can be refused before the upgrade is refused by a Status.")
@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [
        ("&resourceVersion=x", {}, 400),
        ("&sendInitialEvents=true", {}, 422),
        ("", {"Accept": "text/html"}, 406),
    ],
)
def test_refused_before(
    served: Served, namespace: str, query: str, headers: dict[str, str], code: int
) -> None:
    """The client sees why, as in a plain watch."""
    with Socket(served, watched(namespace, query), **headers) as found:
        status, document = found.refusal()
        assert status == code
        check_status(document, code)


@pytest.mark.paragraph("3.9", "The end of a watch is a close frame 1000.")
def test_timeout(served: Served, namespace: str) -> None:
    """TimeoutSeconds ends a WebSocket watch as it ends a plain one."""
    query = "&timeoutSeconds=1&allowWatchBookmarks=true"
    with Socket(served, watched(namespace, query)) as found:
        events = [found.next(), found.next()]
        assert [event["type"] for event in events] == ["BOOKMARK", "BOOKMARK"]
        assert found.goodbye() == 1000


@pytest.mark.paragraph("3.9", "A client's close frame is answered, and its pings are.")
def test_ping_and_goodbye(served: Served, namespace: str) -> None:
    """A client may ask whether anybody is there, and may leave politely."""
    with Socket(served, watched(namespace, FROM_NOW)) as found:
        found.send(TextMessage("a client has nothing to say"))
        found.send(Ping(b"there?"))
        event = found.next_event()
        assert isinstance(event, Pong)
        assert bytes(event.payload) == b"there?"
        found.send(CloseConnection(1000))
        event = found.next_event()
        assert isinstance(event, CloseConnection)
        assert event.code == 1000


@pytest.mark.paragraph("3.9", "An upgrade to SPDY, or one that is malformed, is never 101.")
@pytest.mark.parametrize(
    "headers",
    [
        {"Upgrade": "SPDY/3.1"},
        {**WEBSOCKET, "Sec-WebSocket-Key": "c2hvcnQ="},
        {**WEBSOCKET, "Sec-WebSocket-Version": ""},
    ],
)
def test_other_upgrades(served: Served, namespace: str, headers: dict[str, str]) -> None:
    """They are a Status."""
    refused(served.ask(watched(namespace), headers={"Connection": "Upgrade", **headers}), 400)


@pytest.mark.paragraph("3.9", "Another version of WebSockets is told which one is served.")
def test_other_version(served: Served, namespace: str) -> None:
    """Version 8 is 426."""
    headers = {"Connection": "Upgrade", **WEBSOCKET, "Sec-WebSocket-Version": "8"}
    answer = served.ask(watched(namespace), headers=headers)
    assert (answer.status, answer.headers["Sec-WebSocket-Version"]) == (426, "13")


# The rig's Elasticsearch has a heap so small that it refuses a document of 14 MiB.
embedded_only = pytest.mark.parametrize("served", WAYS[::2], indirect=True)


def long_line(served: Served, namespace: str, size: int) -> None:
    """Write a line of so many bytes beside a short field."""
    document = container_line("x" * size, namespace=namespace, level="info")
    served.write([(served.index("containerlogs", "long"), None, document)])


@pytest.mark.paragraph("3.1", "No watch event is longer than the 16 MiB that client-go takes.")
@embedded_only
def test_a_long_record(served: Served, namespace: str) -> None:
    """A record of 17 MiB comes cut, says so, and is followed by what comes after it."""
    long_line(served, namespace, 17 << 20)
    served.write(lines(served, 1, namespace=namespace))
    path = path_of("containerlogs", namespace)
    (whole, _) = sorted(served.json(path)["items"], key=lambda item: -len(item["payload"]["log"]))
    assert len(whole["payload"]["log"]) == 17 << 20
    assert TRUNCATED not in whole["metadata"].get("annotations", {})
    with served.watch(f"{path}?timeoutSeconds=5") as stream:
        found = {len(line): load_json(line)["object"] for line in (stream.line(), stream.line())}
    size = max(found)
    assert 15 << 20 < size <= MAX_FRAME_BYTES
    cut = found[size]
    said = cut["payload"].pop("log")
    assert set(said) == {"x"}
    assert int(cut["metadata"]["annotations"].pop(TRUNCATED)) > 17 << 20
    assert cut["payload"] == {"level": "info"}
    for key in ("name", "namespace", "uid", "creationTimestamp"):
        assert cut["metadata"][key] == whole["metadata"][key]


@pytest.mark.paragraph("3.1", "A record that is too long comes cut in a WebSocket's message too.")
@embedded_only
def test_a_long_message(served: Served, namespace: str) -> None:
    """It is cut while it comes live, for two clients at once."""
    with (
        Socket(served, watched(namespace, FROM_NOW)) as one,
        Socket(served, watched(namespace, FROM_NOW)) as two,
    ):
        long_line(served, namespace, 17 << 20)
        first = one.next()
        assert int(first["object"]["metadata"]["annotations"][TRUNCATED]) > 17 << 20
        assert two.next() == first
        assert first["object"]["payload"]["level"] == "info"
