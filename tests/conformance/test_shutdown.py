"""What takes gateways of its own: requests in flight (7.4), and how one ends (7.7)."""

import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from kjournal.codec import load_json
from tests.conformance.balancer import Balancer
from tests.conformance.conftest import Membership
from tests.conformance.served import FUTURE, Served
from tests.conformance.statuses import awaited, refused
from tests.conformance.stream import Stream, types_of
from tests.integration.stories import Store, ask, bulk, config_file, container_line, path_of, until
from tests.rig_fixtures import StartGateway
from tests.rig_servers import Gateway

COUNT, BYTES = 3000, 6000
PREFIX = "shutdown"
LINES = path_of("containerlogs", "shop")
WATCH = (
    f"{LINES}?watch=true&allowWatchBookmarks=true&fieldSelector=pod=pod-1&sendInitialEvents=false"
)
FROM_NOW = f"{LINES}?sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
AT_ONCE = 2
SLOW = f"{LINES}?resourceVersion={FUTURE}"
"""A list that is in flight for three seconds, since what it asks for is waited for."""
DELAY = "--shutdown-delay-duration=3s"


def reader(port: int) -> http.client.HTTPConnection:
    """Return a connection that takes little before it is read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sock.settimeout(60)
    connection.sock.connect(("127.0.0.1", port))
    return connection


def watching(port: int) -> Stream:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"{WATCH}&resourceVersionMatch=NotOlderThan")
    return Stream(connection, connection.getresponse())


@pytest.mark.paragraph("7.4", "Beyond the most requests in flight it is 429, for a second.")
@pytest.mark.paragraph("7.4", "Watches are no part of it, nor are probes and system:masters.")
def test_requests_in_flight(membership: Membership, tmp_path: Path) -> None:
    store = Store.embedded(tmp_path)
    flags = (f"--config={config_file(tmp_path, PREFIX)}", *store.flags)
    limit = f"--max-requests-inflight={AT_ONCE}"
    with membership.gateway(tmp_path, *flags, limit) as server:
        reader, master = (
            Served(True, store, server, PREFIX, kubeconfig)
            for kubeconfig in (membership.reader, Path(membership.kube.env["KUBECONFIG"]))
        )
        stopped = threading.Event()

        def hold() -> None:
            while not stopped.is_set():
                reader.ask(SLOW)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            held = [pool.submit(hold) for _ in range(AT_ONCE)]
            try:
                for _ in range(3):
                    check_full(reader, master)
            finally:
                stopped.set()
            for each in held:
                each.result()
        assert reader.ask(LINES).status == 200


def check_full(reader: Served, master: Served) -> None:
    answer = awaited("it is full", lambda: reader.ask(LINES), 429)
    assert answer.headers["Retry-After"] == "1"
    assert answer.body
    with reader.watch(FROM_NOW) as stream:
        assert stream.response.status == 200
    assert master.ask(LINES).status == 200
    assert ask(reader.gateway.url, "/readyz").status == 200


@pytest.fixture
def full(gateway: StartGateway, tmp_path: Path) -> Gateway:
    """Return a gateway with more lines than the buffers of a connection hold."""
    store = Store.embedded(tmp_path)
    server = gateway(f"--config={config_file(tmp_path, PREFIX)}", *store.flags, DELAY)
    long = container_line("x" * BYTES)
    bulk(store.url, [(f"{PREFIX}-container-a", None, long) for _ in range(COUNT)])
    return server


@pytest.mark.paragraph("7.7", "readyz is red first, while everything is served as before.")
@pytest.mark.paragraph("7.7", "Then new requests are refused, for a moment; watches end cleanly.")
@pytest.mark.paragraph("7.7", "A list in flight is finished, and then the process ends.")
@pytest.mark.paragraph("3.8", "A shutdown ends watches cleanly, and refuses new ones with a wait.")
def test_a_shutdown(full: Gateway) -> None:
    port, url = full.port, full.url
    slow = reader(port)
    slow.request("GET", LINES)
    listing = slow.getresponse()
    begun = listing.read(100_000)
    with watching(port) as stream:
        os.kill(full.pid, signal.SIGTERM)
        until("readyz is red", lambda: ask(url, "/readyz").status == 500)
        assert ask(url, "/livez").status == 200
        assert ask(url, f"{LINES}?limit=1").status == 200
        with watching(port) as late:
            assert late.response.status == 200
        answer = awaited("it refuses", lambda: ask(url, f"{LINES}?limit=1"), 503)
        assert refused(answer, 503)["details"]["retryAfterSeconds"] >= 1
        refused(ask(url, f"{WATCH}&resourceVersionMatch=NotOlderThan"), 503)
        assert types_of(stream.rest()) == ["BOOKMARK"]
    assert full.running
    document = load_json(begun + listing.read())
    slow.close()
    assert len(document["items"]) == COUNT
    until("the process ends", lambda: not full.running)
    assert full.stop() == -signal.SIGTERM


@attrs.define
class Client:
    """Asks without a pause, and keeps what it was not given."""

    port: int
    keeps: bool
    served: int = 0
    lost: list[str] = attrs.field(factory=list)
    _connection: http.client.HTTPConnection | None = None

    def run(self, stopped: threading.Event) -> None:
        """Ask until told to stop."""
        while not stopped.is_set():
            try:
                self._ask(stopped)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                self._leave()
        self._leave()

    def _ask(self, stopped: threading.Event) -> None:
        response, body = self._answer()
        if response.status == 503 and response.headers["Retry-After"] and self.keeps:
            # As client-go does; the connection may be one to a gateway that ends.
            self._leave()
            stopped.wait(0.05)
            return
        if response.status != 200 or "items" not in load_json(body):
            self.lost.append(f"{response.status} {body[:200]!r}")
        self.served += 1
        if not self.keeps or response.will_close:
            self._leave()

    def _answer(self) -> tuple[http.client.HTTPResponse, bytes]:
        reused = self._connection is not None
        try:
            return self._once()
        except (http.client.RemoteDisconnected, ConnectionError):
            # A connection may be closed while it is idle; as Go's transport, ask on another.
            if not reused:
                raise
            self._leave()
            return self._once()

    def _once(self) -> tuple[http.client.HTTPResponse, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self._connection.request("GET", f"{LINES}?limit=5")
        response = self._connection.getresponse()
        return response, response.read()

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@pytest.fixture
def pair(
    elasticsearch_url: str, gateway: StartGateway, tmp_path: Path
) -> Iterator[tuple[Gateway, Gateway]]:
    """Yield two gateways before one store."""
    store, prefix = Store.elasticsearch(elasticsearch_url), f"rolling{uuid4().hex[:8]}"
    config = f"--config={config_file(tmp_path, prefix)}"
    store.write([(f"{prefix}-container-a", None, container_line(f"{at}")) for at in range(20)])
    yield (
        gateway(config, *store.flags, "--shutdown-delay-duration=2s"),
        gateway(config, *store.flags, "--shutdown-delay-duration=2s"),
    )
    store.forget(f"{prefix}-*")


@pytest.mark.paragraph("7.7", "Two gateways that are restarted in turn lose no client's request.")
def test_a_rolling_restart(pair: tuple[Gateway, Gateway]) -> None:
    """Neither of clients with one connection for each request, nor of those that keep theirs."""
    stopped = threading.Event()
    with Balancer(pair) as balancer:
        clients = [Client(balancer.port, keeps) for keeps in (False, True, True)]
        threads = [threading.Thread(target=client.run, args=(stopped,)) for client in clients]
        for thread in threads:
            thread.start()
        try:
            for each in pair:
                restart(each, balancer, clients)
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
    assert [client.lost for client in clients] == [[], [], []]


def restart(server: Gateway, balancer: Balancer, clients: list[Client]) -> None:
    """Restart one gateway; every client is served before, meanwhile and after."""
    served(clients)
    os.kill(server.pid, signal.SIGTERM)
    until("it is out of the way", lambda: not balancer.is_ready(server))
    served(clients)
    until("it has ended", lambda: not server.running)
    served(clients)
    server.start()
    until("it is back", lambda: balancer.is_ready(server))
    served(clients)


def served(clients: list[Client]) -> None:
    """Wait until each client was served some more."""
    before = [client.served for client in clients]
    until(
        "all are served",
        lambda: all(
            client.served > count + 5 for client, count in zip(clients, before, strict=True)
        ),
    )


@pytest.mark.paragraph("2.4", "A token whose process is gone is 410 Expired.")
def test_an_expired_token(gateway: StartGateway, tmp_path: Path) -> None:
    store = Store.embedded(tmp_path)
    server = gateway(f"--config={config_file(tmp_path, 'expiry')}", *store.flags)
    documents = [
        ("expiry-logs-a", None, {"@timestamp": f"2026-01-02T03:04:0{at}Z", "log": "x"})
        for at in range(3)
    ]
    bulk(store.url, documents)
    everything = "fieldSelector=metadata.creationTimestamp%3E2000-01-01T00:00:00Z"
    path = f"{path_of('logs')}?limit=1&{everything}"
    token = ask(server.url, path).json["metadata"]["continue"]
    server.stop()
    server.start()
    refused(ask(server.url, f"{path}&continue={token}"), 410)
