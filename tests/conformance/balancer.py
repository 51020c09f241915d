"""One address before several gateways: connections go to those that /readyz calls ready."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Sequence

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
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threads = [
            threading.Thread(target=self._accept, daemon=True),
            *(threading.Thread(target=self._probe, args=(each,), daemon=True) for each in gateways),
        ]
        for thread in threads:
            thread.start()

    def __enter__(self) -> "Balancer":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # A blocked accept is not woken by close alone.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

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
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_carry, args=(source, target), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry what comes from one side to the other, the end as well."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
