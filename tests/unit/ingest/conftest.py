"""The bulk port in memory: raw bytes in, bytes out, over a sink that needs no file."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from kjournal.codec import load_json
from kjournal.ingest.intake import Intake
from kjournal.ingest.site import bulk_site
from kjournal.store.interfaces import NewDocument, Written

KEY = "secret-key"


class MemorySink:
    """A sink that keeps documents in a list; it can be slow, and it can fail."""

    def __init__(self) -> None:
        self.documents: list[NewDocument] = []
        self.writes = 0
        self.error: Exception | None = None
        self.works_until_write = 0
        self.slow: Deferred[None] | None = None

    async def write(self, documents: Sequence[NewDocument]) -> list[Written]:
        self.writes += 1
        if self.slow is not None:
            await self.slow
        if self.error is not None and self.writes > self.works_until_write:
            raise self.error
        return [self._written(new) for new in documents]

    def _written(self, new: NewDocument) -> Written:
        row = len(self.documents) + 1
        id = new.id or f"auto-{row}"
        version = 1 + sum(one.id == new.id and one.index == new.index for one in self.documents)
        if new.id is None or version == 1:
            version, status = 1, 201
        elif new.create:
            return Written(index=new.index, id=id, status=409, version=version - 1, row=row)
        else:
            status = 200
        self.documents.append(new)
        return Written(index=new.index, id=id, status=status, version=version, row=row)


@attrs.frozen
class Answer:
    """What came back."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return load_json(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"]["type"])


class Port:
    """Connections to the bulk port."""

    def __init__(self, api_key: str) -> None:
        self.clock = Clock()
        self.sink = MemorySink()
        self.site = bulk_site(self.sink, api_key=api_key, reactor=self.clock)

    @property
    def intake(self) -> Intake:
        intake: Intake = self.site.intake  # type: ignore[attr-defined]
        return intake

    def connect(self) -> tuple[Any, StringTransport]:
        transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 5))
        protocol = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5))
        protocol.makeConnection(transport)
        return protocol, transport

    def raw(self, sent: bytes) -> bytes:
        """Send bytes on a new connection, let time pass, and return what came back."""
        protocol, transport = self.connect()
        protocol.dataReceived(sent)
        self.clock.pump([0] * 300)
        return transport.value()

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request and return its answer."""
        lines = [f"{method} {path} HTTP/1.1", "host: kjournal", f"content-length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return answer_of(self.raw("\r\n".join([*lines, "", ""]).encode() + body))


def answer_of(received: bytes) -> Answer:
    """Return the only answer in the bytes of a connection."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers.setdefault(name.lower(), []).append(value)
    return Answer(int(first.split()[1]), headers, body)


def ndjson(*lines: str) -> bytes:
    """Return a bulk body."""
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.fixture
def port() -> Port:
    """A port that asks for no key."""
    return Port("")


@pytest.fixture
def locked_port() -> Port:
    """A port that asks for KEY."""
    return Port(KEY)


__all__ = ["KEY", "Answer", "MemorySink", "Port", "answer_of", "ndjson"]
