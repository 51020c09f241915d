"""A node before a real Elasticsearch that can be told to answer as no healthy one does."""

import contextlib
import http.client
import socket
import struct
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

from kjournal.codec import dump_json, load_json

PRODUCT = {"X-elastic-product": "Elasticsearch"}
JSON = "application/json"


@attrs.frozen
class Exchange:
    """One request that a fault answers."""

    handler: BaseHTTPRequestHandler
    lifted: threading.Event
    real: Callable[[], tuple[int, bytes]]

    def answer(self, status: int, body: bytes, **more: str) -> None:
        """Answer whole, as Elasticsearch would frame it."""
        self.head(status, len(body), **more)
        self.handler.wfile.write(body)

    def head(self, status: int, length: int, *, type: str = JSON, product: bool = True) -> None:
        """Answer with a head alone."""
        self.handler.send_response(status)
        for name, value in (PRODUCT if product else {}).items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Type", type)
        self.handler.send_header("Content-Length", str(length))
        self.handler.end_headers()

    def leave(self) -> None:
        """Close the connection."""
        self.handler.close_connection = True

    def reset(self) -> None:
        """Have the kernel send a reset in place of an answer."""
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.connection.close()
        self.leave()

    def hang(self) -> None:
        """Say nothing more until the fault is lifted."""
        self.lifted.wait(120)
        self.leave()


Fault = Callable[[Exchange], None]


def refusal(status: int, kind: str, reason: str = "no such [http://10.0.0.7:9200]") -> Fault:
    """Return a fault that answers with an error of Elasticsearch's own."""
    error = {"type": kind, "reason": reason}
    body = dump_json({"error": {"root_cause": [error], **error}, "status": status})
    return lambda exchange: exchange.answer(status, body)


def whole(status: int, body: bytes, **more: Any) -> Fault:
    """Return a fault that answers with this body."""
    return lambda exchange: exchange.answer(status, body, **more)


def cut_off(exchange: Exchange) -> None:
    """Answer with half of the real body, and close before its announced end."""
    status, body = exchange.real()
    exchange.head(status, len(body))
    exchange.handler.wfile.write(body[: len(body) // 2])
    exchange.leave()


def half(exchange: Exchange) -> None:
    """Answer with half of the real body as if it were whole."""
    status, body = exchange.real()
    exchange.answer(status, body[: len(body) // 2])


def stuck(exchange: Exchange) -> None:
    """Answer with half of the real body, and then say nothing more."""
    status, body = exchange.real()
    exchange.head(status, len(body))
    exchange.handler.wfile.write(body[: len(body) // 2])
    exchange.handler.wfile.flush()
    exchange.hang()


def unnamed(exchange: Exchange) -> None:
    """Answer as the real one, but without the product's name."""
    status, body = exchange.real()
    exchange.answer(status, body, product=False)


def changed(change: Callable[[dict[str, Any]], None]) -> Fault:
    """Return a fault that changes each search answer, also those of a multi-search."""

    def fault(exchange: Exchange) -> None:
        status, body = exchange.real()
        document = load_json(body)
        if isinstance(document, dict):
            for answer in document.get("responses", [document]):
                if "_shards" in answer:
                    change(answer)
        exchange.answer(status, dump_json(document))

    return fault


def fail_a_shard(answer: dict[str, Any]) -> None:
    """Say that one shard failed, and show what the others have: nothing."""
    answer["_shards"]["failed"] = 1
    if "hits" in answer:
        answer["hits"]["hits"] = []


def time_out(answer: dict[str, Any]) -> None:
    """Say that the search ended early."""
    if "hits" in answer:
        answer["timed_out"] = True
        answer["hits"]["hits"] = []


class FaultyElasticsearch:
    """Hands requests on to `upstream`, but those that a fault answers."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urllib.parse.urlsplit(upstream)
        self._fault: Fault | None = None
        self._only = ""
        self._spared = 0
        self._lifted = threading.Event()
        self._connections: set[socket.socket] = set()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.faults = 0
        self.listen()

    def listen(self) -> None:
        """Listen, always on the same port."""
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                node._connections.add(self.connection)

            def finish(self) -> None:
                node._connections.discard(self.connection)
                with contextlib.suppress(OSError):
                    super().finish()

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                node._handle(self)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more, and drop all connections."""
        self._lifted.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def failing(self, fault: Fault | None, *, only: str = "", spared: int = 0) -> Iterator[None]:
        """Answer by a fault: where the path begins with `only`, after `spared` of those went well.

        Without a fault the port is closed.
        """
        self._lifted.clear()
        self.faults = 0
        if fault is None:
            self.close()
        self._only, self._spared, self._fault = only, spared, fault
        try:
            yield
        finally:
            self.heal()

    def heal(self) -> None:
        """Answer as the real one again."""
        self._fault = None
        self._lifted.set()
        if self._server is None:
            self.listen()

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

        def real() -> tuple[int, bytes]:
            status, _, answer = self._asked(handler, body)
            return status, answer

        fault = self._fault
        if fault is not None and handler.path.startswith(self._only):
            if self._spared > 0:
                self._spared -= 1
            else:
                self.faults += 1
                fault(Exchange(handler, self._lifted, real))
                return
        status, type, answer = self._asked(handler, body)
        Exchange(handler, self._lifted, real).answer(status, answer, type=type)

    def _asked(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, str, bytes]:
        kept = {"accept", "content-type"}
        headers = {name: value for name, value in handler.headers.items() if name.lower() in kept}
        host, port = self._upstream.hostname or "", self._upstream.port
        connection = http.client.HTTPConnection(host, port, timeout=60)
        try:
            connection.request(handler.command, handler.path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.headers.get("Content-Type", JSON), response.read()
        finally:
            connection.close()
