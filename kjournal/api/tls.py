"""TLS of the secure port: its certificates, and asking clients for theirs.

A client certificate is asked for and never required, and nobody verifies it in the handshake:
`auth` does, request by request. A refusal in the handshake would break probes and token users.
Source: apiserver pkg/server/secure_serving.go, pkg/server/dynamiccertificates
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from cryptography import x509
from OpenSSL import SSL
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from kjournal.api.certificates import (
    ServingCertificate,
    ServingCertificates,
    serving_certificates,
)
from kjournal.config.model import ServingSettings
from kjournal.errors import ConfigError, Unauthorized

# TLS 1.2 only with forward secrecy and authenticated encryption; all suites of TLS 1.3 are such.
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_PROTOCOL = b"http/1.1"
_OPTIONS = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_RENEGOTIATION
    | SSL.OP_NO_TICKET
    | SSL.OP_CIPHER_SERVER_PREFERENCE
)
LOOK_S = 10.0
Authorities = Callable[[], Sequence[x509.Certificate]]


class CertificateFiles(Service):
    """The serving certificates as their files are, looked at every ten seconds.

    Files that are missing, half written or of two pairs change nothing: what was served before is
    served on. Connections that are open are not touched.
    """

    _log = Logger()

    def __init__(self, settings: ServingSettings, clock: IReactorTime) -> None:
        """Read them once. Raises: ConfigError."""
        self._settings, self._clock = settings, clock
        self.current = self._read()
        self._complaint = ""
        self._run: Deferred[None] = succeed(None)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._run = Deferred.fromCoroutine(self._follow())
        self._run.addErrback(lambda failure: failure.trap(CancelledError) and None)

    def stopService(self) -> Deferred[None]:
        """Stop looking."""
        super().stopService()
        self._run.cancel()
        return self._run

    async def _follow(self) -> None:
        while True:
            await deferLater(self._clock, LOOK_S)
            self._look()

    def _look(self) -> None:
        try:
            found, complaint = self._read(), ""
        except ConfigError as error:
            found, complaint = self.current, str(error)
        if complaint and complaint != self._complaint:
            self._log.warn(
                "the serving certificate stays as it was: {complaint}", complaint=complaint
            )
        if _shown(found) != _shown(self.current):
            self._log.info("new connections are served with the new certificate")
            self.current = found
        self._complaint = complaint

    def _read(self) -> ServingCertificates:
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        return serving_certificates(self._settings, now)


def _shown(certificates: ServingCertificates) -> list[object]:
    """Return what tells certificates apart; keys cannot be compared, and belong to them."""
    named = [(pattern, each.chain) for pattern, each in certificates.named]
    return [certificates.default.chain, named]


@attrs.frozen
class _Contexts:
    """What handshakes are made with, for one set of certificates and advertised CAs."""

    certificates: ServingCertificates
    advertised: tuple[x509.Certificate, ...]
    by_certificate: dict[int, SSL.Context]
    default: SSL.Context

    @classmethod
    def of(
        cls, certificates: ServingCertificates, advertised: tuple[x509.Certificate, ...]
    ) -> "_Contexts":
        """Make a context for each certificate; the first greets, and hands over by name."""
        distinct = {id(each): each for _, each in certificates.named}
        distinct[id(certificates.default)] = certificates.default
        made = {key: _context_of(each, advertised) for key, each in distinct.items()}
        default = _context_of(certificates.default, advertised)

        def hand_over(connection: SSL.Connection) -> None:
            name = (connection.get_servername() or b"").decode("ascii", "replace")
            connection.set_context(made[id(certificates.shown_to(name))])

        if certificates.named:
            default.set_tlsext_servername_callback(hand_over)
        return cls(certificates, advertised, made, default)


@implementer(IOpenSSLServerConnectionCreator)
class ServingContextFactory:
    """Begins TLS on each connection, with the certificates and the CAs believed at that moment.

    The CAs are advertised: a Go client chooses its certificate by them.
    """

    def __init__(
        self, certificates: Callable[[], ServingCertificates], authorities: Authorities
    ) -> None:
        self._certificates, self._authorities = certificates, authorities
        self._contexts = _Contexts.of(certificates(), tuple(authorities()))

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Return the TLS side of a new connection."""
        certificates, authorities = self._certificates(), tuple(self._authorities())
        known = self._contexts
        if certificates is not known.certificates or authorities != known.advertised:
            self._contexts = _Contexts.of(certificates, authorities)
        return SSL.Connection(self._contexts.default, None)


def _context_of(
    certificate: ServingCertificate, authorities: Sequence[x509.Certificate]
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    # A resumed session would bring a client's leaf without its issuers.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(_CIPHERS)
    leaf, *issuers = certificate.chain
    context.use_certificate(leaf)
    for issuer in issuers:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(certificate.key)
    context.set_alpn_select_callback(_chosen)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    for authority in {each.subject: each for each in authorities}.values():
        context.add_client_ca(authority)
    return context


def _chosen(connection: SSL.Connection, offered: Sequence[bytes]) -> Any:
    return _PROTOCOL if _PROTOCOL in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def peer_chain_of(transport: object) -> tuple[x509.Certificate, ...]:
    """Return what the client presented in the handshake, leaf first; nothing without TLS.

    Raises: Unauthorized for what is no certificate.
    """
    if not isinstance(transport, TLSMemoryBIOProtocol):
        return ()
    connection: SSL.Connection = transport.getHandle()
    try:
        leaf = connection.get_peer_certificate(as_cryptography=True)
        # On the server's side OpenSSL leaves the leaf out.
        others = connection.get_peer_cert_chain(as_cryptography=True) or []
    except ValueError as error:
        raise Unauthorized("Unauthorized") from error
    return () if leaf is None else (leaf, *(each for each in others if each != leaf))
