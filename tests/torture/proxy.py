"""A TCP proxy before a node that can stop forwarding for a while, or cut what it forwards."""

import contextlib
import socket
import threading
import urllib.parse
from collections.abc import Iterator

_PIECE = 65_536


class Proxy:
    """Hands bytes on in both directions, one thread for each."""

    def __init__(self, upstream: str) -> None:
        parts = urllib.parse.urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 0)
        self._flowing = threading.Event()
        self._flowing.set()
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._start(self._accept)

    def close(self) -> None:
        """Forward nothing more."""
        # A thread that waits in accept() is woken by shutdown(), not by close().
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._flowing.set()
        self.cut()

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """Hold back all that comes; connections stay, and new ones are taken."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def cut(self) -> None:
        """Cut all connections, whatever is under way."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                node = socket.create_connection(self._upstream)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets |= {client, node}
            self._start(self._forward, client, node)
            self._start(self._forward, node, client)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(_PIECE):
                self._flowing.wait()
                target.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._sockets.discard(source)
            source.close()

    @staticmethod
    def _start(target: object, *args: socket.socket) -> None:
        threading.Thread(target=target, args=args, daemon=True).start()  # type: ignore[arg-type]
