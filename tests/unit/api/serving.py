"""The real site, gate and routes over a transport in memory, with a clock."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import IResource

from kjournal.api.audit import AuditLog
from kjournal.api.gate import Gate
from kjournal.api.guard import LoopbackGuard
from kjournal.api.health import Health
from kjournal.api.metrics import Metrics
from kjournal.api.quota import Limits
from kjournal.api.resource import Resource
from kjournal.api.routes import Routes, Surface
from kjournal.api.site import APISite
from kjournal.api.traffic import Traffic
from kjournal.auth.user import INSECURE
from kjournal.codec import format_micros, load_json
from kjournal.config.model import APISettings
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.registry import KINDS
from kjournal.query.resource_version import STEP
from kjournal.store.interfaces import Source
from kjournal.tail.figures import TailLimits
from kjournal.tail.tail import IDLE_FACTOR, Tail
from tests.fakes.memory_store import MemoryBackend, MemoryStore

BEGIN_S = 1_700_000_000.0
INTERVAL_S = 0.5
# Even an idle tail has polled after so long.
MAX_REQUESTS = 5
LIMITS = Limits(
    requests=MAX_REQUESTS, requests_per_user=MAX_REQUESTS - 1, watches=9, watches_per_user=7
)
POLL_S = INTERVAL_S * IDLE_FACTOR
ROOT = "/apis/core.kjournal/v1alpha1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


_Bytes = bytes  # which `Call` has a property of that name for


class Transport(StringTransport):
    """Remembers how the connection was ended."""

    producer: Any
    aborted = False
    keeps_alive = False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Remember that the system watches over the connection."""
        self.keeps_alive = enabled

    def abortConnection(self) -> None:
        """End at once, as a reader sees it in the middle of an answer."""
        self.aborted = True
        self.loseConnection()


@attrs.define
class Call:
    """One request on a connection of its own, and what has come back so far."""

    channel: Any
    transport: Transport
    clock: Clock

    @property
    def bytes(self) -> _Bytes:
        """All that was sent."""
        sent: _Bytes = self.transport.value()
        return sent

    @property
    def status(self) -> int:
        """The HTTP status, 0 if nothing has come yet."""
        return int(self.bytes.split(b" ", 2)[1]) if self.bytes else 0

    @property
    def header_lines(self) -> list[tuple[str, str]]:
        """All headers, names in lower case."""
        lines = self.bytes.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return [
            (name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)
        ]

    @property
    def headers(self) -> dict[str, str]:
        """The headers by name."""
        return dict(self.header_lines)

    def _read(self) -> tuple[_Bytes, bool]:
        rest = self.bytes.partition(b"\r\n\r\n")[2]
        if self.headers.get("transfer-encoding") != "chunked":
            return rest, len(rest) == int(self.headers.get("content-length", "0"))
        body = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            if int(size, 16) == 0:
                return body, True
            body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return body, False

    @property
    def body(self) -> _Bytes:
        """The body so far."""
        return self._read()[0]

    @property
    def whole(self) -> bool:
        """Whether a client would take the answer for a whole one."""
        return self._read()[1]

    @property
    def json(self) -> Any:
        """The body of a whole answer."""
        assert self.whole, self.bytes
        return load_json(self.body)

    @property
    def frames(self) -> list[Any]:
        """The frames of a watch; each is one line with its newline."""
        body = self.body
        assert body == b"" or body.endswith(b"\n")
        return [load_json(line) for line in body.splitlines()]

    @property
    def types(self) -> list[tuple[str, Any]]:
        """Type and payload of each frame."""
        return [(f["type"], f["object"].get("payload")) for f in self.frames]

    def leave(self) -> None:
        """Close the connection from the client's side."""
        self.channel.connectionLost(Failure(ConnectionLost()))

    def done(self) -> None:
        """Close the connection at the end of a test."""
        self.channel.connectionLost(Failure(ConnectionDone()))


@attrs.define
class Server:
    """The gateway without ports: a store in memory, a clock, and a way to ask."""

    clock: Clock
    backend: MemoryBackend
    resources: dict[str, Resource]
    health: Health
    site: APISite
    traffic: Traffic
    routes: IResource
    metrics: Metrics

    def tail(self, plural: str = "containerlogs") -> Tail:
        """Return a kind's tail."""
        return self.resources[plural].tail

    def store(self, plural: str = "containerlogs") -> MemoryStore:
        """Return a kind's store."""
        store = self.resources[plural].store
        assert isinstance(store, MemoryStore)
        return store

    def line(self, id: str, at_s: float = -60.0, namespace: str = "a", **more: Any) -> None:
        """Store a line of a container, `at_s` seconds from the test's beginning."""
        time = format_micros(int((BEGIN_S + at_s) * 1e6))
        document = {"metadata": {"namespace": namespace}, "payload": id, "@timestamp": time}
        self.backend.write("i", id, {**document, **more})

    def lines(self, count: int, begin: int = 0) -> None:
        """Store lines `0`, `1`, …, a second apart."""
        for number in range(begin, begin + count):
            self.line(str(number), number - 3600)

    def tick(self, seconds: float = POLL_S) -> None:
        """Let time pass, until the next poll by default, and what was due at once happen."""
        self.clock.advance(seconds)
        for _ in range(50):
            self.clock.advance(0)

    def guarded_by(
        self,
        guard: Any,
        routes: IResource | None = None,
        metrics: Metrics | None = None,
        audit: AuditLog | None = None,
    ) -> None:
        """Put another guard before the routes, or others, in place of the loopback's."""
        gate = Gate(routes or self.routes, guard, self.traffic, metrics or self.metrics, audit)
        self.site = APISite(gate)
        self.site.reactor = self.clock  # type: ignore[assignment]  # HTTPFactory's idle timers

    def call(self, target: str, method: str = "GET", **headers: str) -> Call:
        """Send one request, and let happen what needs no time."""
        channel = self.site.buildProtocol(None)
        transport = Transport()
        assert channel is not None
        channel.makeConnection(transport)
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost:8080"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if method in ("POST", "PUT", "PATCH"):
            lines.append("Content-Length: 0")
        channel.dataReceived("\r\n".join([*lines, "", ""]).encode())
        call = Call(channel, transport, self.clock)
        self.tick(0)
        return call

    def get(self, target: str, **headers: str) -> Call:
        """Ask below the group version."""
        return self.call(ROOT + target, **headers)


def _same(settings: APISettings) -> APISettings:
    return settings


def server(
    customize: Callable[[APISettings], APISettings] = _same,
    limits: TailLimits | None = None,
    beside: Server | None = None,
    token_key: bytes = b"k" * 32,
) -> Server:
    """Return a gateway of all kinds on one backend; `beside` is another process on it."""
    clock = Clock() if beside is None else beside.clock
    if beside is None:
        clock.rightNow = BEGIN_S
    backend = MemoryBackend() if beside is None else beside.backend
    resources = {}
    for plural, kind in KINDS.items():
        settings = customize(APISettings(resource=plural))
        source = Source(kind=plural, index="*", max_page=settings.bulk_size)
        store = backend.open_store(source)
        mapping = Mapping.compile(kind, field_map_of(kind, settings.field_map))
        tail = Tail(store, mapping, clock, interval_s=INTERVAL_S, limits=limits or TailLimits())
        # By chance two processes have one residue, one time in sixteen.
        tail._mint._residue = len(backend.stores) % STEP
        resources[plural] = Resource(
            kind=kind,
            store=store,
            mapping=mapping,
            tail=tail,
            settings=settings,
            clock=clock,
        )
    health = Health()
    metrics, traffic = Metrics(), Traffic(LIMITS)
    surface = Surface(resources=resources, token_key=token_key, health=health, metrics=metrics)
    routes = Routes(surface).app.resource()
    site = APISite(Gate(routes, LoopbackGuard(), traffic, metrics))
    site.reactor = clock  # HTTPFactory's idle timers
    return Server(clock, backend, resources, health, site, traffic, routes, metrics)


@attrs.frozen
class Step:
    """A guard that does one thing with each request, at one of its two steps."""

    look: Callable[[Any], Awaitable[None]]
    authorizes: bool = False

    async def authenticate(self, request: Any) -> None:
        """Look at it, or take it for anybody's."""
        request.identity = INSECURE
        if not self.authorizes:
            await self.look(request)

    async def authorize(self, request: Any) -> None:
        """Look at it, or let it pass."""
        if self.authorizes:
            await self.look(request)
