"""What is no request: heads that are too long, or no HTTP. Each is told by a Status."""

from typing import Any

import pytest

from kjournal.api import site
from kjournal.api.site import ARRIVAL_S, LINGER_S, MAX_HEADER_BYTES
from kjournal.codec import load_json
from tests.unit.api.serving import ROOT, Server, Transport

HALF = MAX_HEADER_BYTES // 2 + 100


def sent(api: Server, data: bytes) -> tuple[Any, Transport]:
    """Send bytes on a connection of their own, in pieces as a network would."""
    channel: Any = api.site.buildProtocol(None)  # type: ignore[arg-type]
    transport = Transport()
    transport.protocol = channel
    channel.callLater = api.clock.callLater
    channel.makeConnection(transport)
    for at in range(0, len(data), 10_000):
        channel.dataReceived(data[at : at + 10_000])
    api.tick(0)
    return channel, transport


def head(*headers: bytes, target: bytes = f"{ROOT}/logs".encode()) -> bytes:
    return b"\r\n".join([b"GET %s HTTP/1.1" % target, b"Host: localhost", *headers, b"", b""])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (head(target=b"/" + b"x" * (MAX_HEADER_BYTES + 9)), 414),
        (head(b"X: " + b"x" * (MAX_HEADER_BYTES + 9)), 431),
        (head(b"X: " + b"x" * HALF, b"Y: " + b"y" * HALF), 431),
        (head(*[b"X%d: y" % number for number in range(600)]), 431),
        (b"HELO there\r\n\r\n", 400),
        (head(b"no header"), 400),
        (head(b"Content-Length: many"), 400),
    ],
)
def test_refused(api: Server, data: bytes, code: int) -> None:
    """The answer is a Status with its length; the connection ends, though not on unread bytes."""
    _, transport = sent(api, data + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    status_line, _, rest = transport.value().partition(b"\r\n")
    headers, _, body = rest.partition(b"\r\n\r\n")
    assert status_line.startswith(b"HTTP/1.1 %d " % code)
    assert b"Content-Length: %d" % len(body) in headers
    assert b"Connection: close" in headers
    status = load_json(body)
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", code)
    assert not transport.disconnecting
    api.tick(LINGER_S)
    assert transport.disconnecting


def test_what_is_long_enough(api: Server) -> None:
    """What fits is served."""
    target = f"{ROOT}/logs?x={'x' * (MAX_HEADER_BYTES - 500)}".encode()
    _, transport = sent(api, head(target=target))
    assert transport.value().startswith(b"HTTP/1.1 200 ")


def test_those_who_vanish(api: Server) -> None:
    """The system is asked to notice when the other end is no longer there."""
    assert sent(api, head())[1].keeps_alive


@pytest.mark.parametrize(
    "data", [b"", b"GET / HTT", head()[:-2], head(b"Content-Length: 9") + b"x"]
)
def test_who_takes_too_long_to_ask(api: Server, data: bytes) -> None:
    """A request that has not come whole in time is never answered, however it drips in."""
    channel, transport = sent(api, data)
    for _ in range(int(ARRIVAL_S) - 1):
        api.tick(1)
        assert not transport.aborted
        if data[-2:] == b"\r\n":
            channel.dataReceived(b"X: y\r\n")
    api.tick(1)
    assert transport.aborted


def test_who_keeps_a_connection_may_be_idle_but_not_slow(api: Server) -> None:
    """Between requests there are two minutes; from the first byte on there is a deadline again."""
    channel, transport = sent(api, head())
    assert transport.value().startswith(b"HTTP/1.1 200 ")
    api.tick(ARRIVAL_S + 30)
    assert not transport.aborted
    channel.dataReceived(b"GET")
    api.tick(ARRIVAL_S - 1)
    assert not transport.aborted
    api.tick(1)
    assert transport.aborted


def test_an_open_watch_has_arrived(api: Server) -> None:
    _, transport = sent(api, head(target=f"{ROOT}/logs?watch=1".encode()))
    api.tick(ARRIVAL_S * 2)
    assert not transport.aborted
    assert not api.site.arriving


def test_too_many_who_do_not_ask(api: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has waited longest makes room; who asked already is no part of it."""
    monkeypatch.setattr(site, "MAX_ARRIVING", 2)
    _, served = sent(api, head())
    waiting = [sent(api, b"G")[1] for _ in range(3)]
    assert [each.aborted for each in waiting] == [True, False, False]
    assert not served.aborted
