"""TLS to the cluster, shaken hands in memory."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from OpenSSL.crypto import X509
from OpenSSL.SSL import (
    TLS_METHOD,
    VERIFY_FAIL_IF_NO_PEER_CERT,
    VERIFY_PEER,
    Connection,
    Context,
)
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.test import iosim
from zope.interface import implementer

from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import StoreUnavailable
from kjournal.store.elasticsearch.tls import TLSPolicy
from tests.unit.auth.certificates import CLIENT_AUTH, SERVER_AUTH, Pair, issue

HOST = "es.example"
# OpenSSL takes the time from the machine.
ALWAYS: Any = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2120, 1, 1, tzinfo=UTC)}


@pytest.fixture(scope="module")
def authority() -> Pair:
    return issue(None, "ca", ca=True, usages=None, **ALWAYS)


class Greeter(Protocol):
    """Greets, and keeps what it got."""

    got = b""

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello")

    def dataReceived(self, data: bytes) -> None:
        self.got += data


@implementer(IOpenSSLServerConnectionCreator)
class ServerSide:
    """A server's TLS: its certificate, and whose certificates it asks for."""

    def __init__(self, server: Pair, client_ca: Pair | None) -> None:
        self._context = Context(TLS_METHOD)
        self._context.use_certificate(server.certificate)
        self._context.use_privatekey(server.key)
        if client_ca:
            store = self._context.get_cert_store()
            assert store is not None
            store.add_cert(X509.from_cryptography(client_ca.certificate))
            self._context.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT)

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803
        return Connection(self._context, None)


def shaken(settings: ElasticsearchSettings, server: Pair, client_ca: Pair | None = None) -> Greeter:
    """Return the server's side after a handshake."""
    options = ServerSide(server, client_ca)
    clock = Clock()
    creator = TLSPolicy(settings).creatorForNetloc(HOST.encode(), 9200)
    inner = Greeter()
    sides = [
        TLSMemoryBIOFactory(creator, True, Factory.forProtocol(Greeter), clock),
        TLSMemoryBIOFactory(options, False, Factory.forProtocol(lambda: inner), clock),
    ]
    client, far = (side.buildProtocol(None) for side in sides)
    pump = iosim.connect(
        far, iosim.FakeTransport(far, True), client, iosim.FakeTransport(client, False)
    )
    for _ in range(20):
        clock.advance(1)
        pump.flush()
    return inner


def settings(**more: Any) -> ElasticsearchSettings:
    return ElasticsearchSettings(urls=(f"https://{HOST}:9200",), **more)


def serving(authority: Pair, *names: x509.GeneralName) -> Pair:
    return issue(
        authority, "es", usages=(SERVER_AUTH,), names=names or (x509.DNSName(HOST),), **ALWAYS
    )


def test_a_ca_of_our_own(authority: Pair, tmp_path: Path) -> None:
    """A certificate of the CA file for the right name is believed, and only that."""
    ca, _ = authority.write(tmp_path, "ca")
    trusting = settings(ca_cert=str(ca))
    assert shaken(trusting, serving(authority)).got == b"hello"
    assert shaken(settings(), serving(authority)).got == b""
    assert shaken(trusting, serving(authority, x509.DNSName("other"))).got == b""
    assert shaken(trusting, serving(issue(None, "ca", ca=True, usages=None, **ALWAYS))).got == b""


def test_another_name(authority: Pair, tmp_path: Path) -> None:
    """`server_name` is verified instead of the host, be it a name or an address."""
    ca, _ = authority.write(tmp_path, "ca")
    names = x509.DNSName("inside"), x509.IPAddress(ip_address("10.0.0.1"))
    for name in ("inside", "10.0.0.1"):
        named = settings(ca_cert=str(ca), server_name=name)
        assert shaken(named, serving(authority, *names)).got == b"hello"
    assert shaken(settings(ca_cert=str(ca)), serving(authority, *names)).got == b""


def test_insecure(authority: Pair, tmp_path: Path) -> None:
    """Only where it is allowed in so many words, any certificate is believed."""
    assert shaken(settings(allow_insecure=True), serving(authority)).got == b"hello"


@pytest.mark.parametrize("insecure", [False, True])
def test_a_client_certificate(authority: Pair, tmp_path: Path, insecure: bool) -> None:
    """A cluster that asks for a certificate is shown ours, with or without verifying its own."""
    ca, _ = authority.write(tmp_path, "ca")
    ours, key = issue(authority, "kjournal", usages=(CLIENT_AUTH,), **ALWAYS).write(
        tmp_path, "ours"
    )
    shown = settings(
        ca_cert=str(ca), client_cert=str(ours), client_key=str(key), allow_insecure=insecure
    )
    assert shaken(shown, serving(authority), authority).got == b"hello"
    assert shaken(settings(ca_cert=str(ca)), serving(authority), authority).got == b""


@pytest.mark.parametrize("text", [None, "", "-----BEGIN CERTIFICATE-----\nnone"])
def test_files_that_cannot_be_read(tmp_path: Path, text: str | None) -> None:
    """A missing or broken file is an error of the store, without its path."""
    path = tmp_path / "file"
    if text is not None:
        path.write_text(text)
    for broken in (settings(ca_cert=str(path)), settings(client_cert=str(path))):
        with pytest.raises(StoreUnavailable) as caught:
            TLSPolicy(broken).creatorForNetloc(HOST.encode(), 9200)
        assert str(path) not in str(caught.value)
