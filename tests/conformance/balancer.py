"""One address before several gateways: connections go to those that /readyz calls ready."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Sequence

from tests.rig_servers import Gateway, answers

PERIOD_S = 0.1


class Balancer:
    """A TCP load balancer that follows readiness as kube-proxy follows endpoints.

    Connections that stand stay where they are, as with kube-proxy.
    """

    def __init__(self, gateways: Sequence[Gateway]) -> None:
        self._ready = {gateway.port: True for gateway in gateways}
        self._turns = itertools.count()
        self._stopped = threading.Event()
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._run(self._accept)
        for each in gateways:
            self._run(self._probe, each)

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> "Balancer":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # Whoever waits for a socket is woken by the end of it, and not by closing alone.
        for each in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._ends):
            each.close()

    def is_ready(self, gateway: Gateway) -> bool:
        """Tell whether connections go to a gateway."""
        return self._ready[gateway.port]

    def _probe(self, gateway: Gateway) -> None:
        while not self._stopped.is_set():
            self._ready[gateway.port] = answers(f"{gateway.url}/readyz")
            time.sleep(PERIOD_S)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            ports = [port for port, ready in self._ready.items() if ready]
            port = ports[next(self._turns) % len(ports)]
            server = socket.create_connection(("127.0.0.1", port))
            self._ends += (client, server)
            self._run(_carry, client, server)
            self._run(_carry, server, client)


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry what comes from one side to the other, the end as well."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
