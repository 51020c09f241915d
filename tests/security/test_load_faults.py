"""Clients that only cost: memory stays bounded, and the others are served."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kjournal.codec import load_json
from tests.integration.stories import Store, ask, container_line, path_of, running_gateway, until
from tests.rig_fixtures import free_port
from tests.rig_servers import Gateway

HALF_OPEN = 2000
SLOW_READERS = 500
LINES = 5000
LINE_BYTES = 2000
MOST_GROWTH_BYTES = 512 << 20
# Each list that is read slowly holds a page of the store, 1.7 MB here. On the loopback one user may
# have all 400 requests; on the secure port a hundred.
MOST_GROWTH_OF_LISTS_BYTES = 1 << 30
LIST = path_of("containerlogs", "shop")


@pytest.fixture(scope="module")
def secure_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(secure_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Yield a gateway with a long list, and a secure port that nobody has a credential for."""
    folder = tmp_path_factory.mktemp("load")
    store = Store.embedded(folder)
    flags = (
        f"--secure-port={secure_port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'own'}",
    )
    with running_gateway(folder, *store.flags, *flags) as server:
        lines = [container_line("x" * LINE_BYTES, "shop") for _ in range(LINES)]
        store.write([("container-load", None, line) for line in lines])
        yield server


def memory_bytes(gateway: Gateway) -> int:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{gateway.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


@contextlib.contextmanager
def bounded(gateway: Gateway, what: str, most_bytes: int = MOST_GROWTH_BYTES) -> Iterator[None]:
    """Fail if memory grows beyond the bound while the block runs, and tell by how much it did."""
    before = memory_bytes(gateway)
    yield
    grown = memory_bytes(gateway) - before
    print(f"{what}: {before >> 20} MiB, and {grown >> 20} MiB more")  # noqa: T201 - the figure
    assert grown < most_bytes


@contextlib.contextmanager
def connections(port: int, count: int, *, small: bool = False) -> Iterator[list[socket.socket]]:
    """Yield so many open connections; small ones take little before they are read."""
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(count):
            raw = stack.enter_context(socket.socket())
            if small:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", port))
            opened.append(raw)
        yield opened


def served(gateway: Gateway) -> None:
    """Ask for one line as another user would."""
    answer = ask(gateway.url, f"{LIST}?limit=1")
    assert (answer.status, len(answer.json["items"])) == (200, 1)


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00"], ids=["silent", "hello"])
def test_half_open_connections(gateway: Gateway, secure_port: int, said: bytes) -> None:
    """Handshakes that never end."""
    with bounded(gateway, f"{HALF_OPEN} half-open"), connections(secure_port, HALF_OPEN) as opened:
        for each in opened:
            each.sendall(said)
        served(gateway)


def test_heads_that_drip(gateway: Gateway) -> None:
    with bounded(gateway, "1000 heads"), connections(gateway.port, 1000) as opened:
        for part in (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 50, b"Y: "):
            for each in opened:
                each.sendall(part)
        served(gateway)


@pytest.mark.parametrize("query", ["", "?watch=true"])
def test_slow_readers(gateway: Gateway, query: str) -> None:
    """Lists and watches that nobody reads: beyond the limit they are 429, and watches go on."""
    request = f"GET {LIST}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with (
        bounded(gateway, f"{SLOW_READERS} slow readers {query}", MOST_GROWTH_OF_LISTS_BYTES),
        connections(gateway.port, SLOW_READERS, small=True) as opened,
    ):
        for each in opened:
            each.sendall(request)
        answered = [each.recv(12) for each in opened]
        assert {answer[:9] for answer in answered} == {b"HTTP/1.1 "}
        codes = {int(answer[9:]) for answer in answered}
        assert codes <= {200, 429}
        assert ask(gateway.url, "/readyz").status == 200
    until(
        "those who left have made room", lambda: ask(gateway.url, f"{LIST}?limit=1").status == 200
    )
    served(gateway)


def test_headers_of_a_mebibyte(gateway: Gateway) -> None:
    with bounded(gateway, "100 headers of 1 MiB"):
        for _ in range(100):
            with connections(gateway.port, 1) as (each,):
                each.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
                with contextlib.suppress(ConnectionError):
                    each.sendall(b"x" * (1 << 20))
                assert each.recv(12) == b"HTTP/1.1 431"
        served(gateway)


@pytest.mark.parametrize("key", ["labelSelector", "fieldSelector"])
def test_selectors_of_100_kb(gateway: Gateway, key: str) -> None:
    """They are refused, whatever they hold, and say why."""
    for text in (
        "a" * 100_000,
        "a%3Db," * 12_000,
        "a%20in%20(" + "b," * 40_000 + "c)",
        "(" * 99_999,
    ):
        answer = ask(gateway.url, f"{LIST}?{key}={text}")
        assert answer.status == 400
        assert len(load_json(answer.body)["message"]) < 2000
    served(gateway)
