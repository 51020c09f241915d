"""TLS of the secure port: its certificate, and asking clients for theirs.

A client certificate is asked for and never required, and nobody verifies it in the handshake:
`auth` does, request by request. A refusal in the handshake would break probes and token users.
Source: apiserver pkg/server/secure_serving.go
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from kjournal.config.model import ServingSettings
from kjournal.errors import ConfigError, ConfigMistake, Unauthorized

# TLS 1.2 only with forward secrecy and authenticated encryption; all suites of TLS 1.3 are such.
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
_PROTOCOL = b"http/1.1"
_OPTIONS = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_RENEGOTIATION
    | SSL.OP_NO_TICKET
    | SSL.OP_CIPHER_SERVER_PREFERENCE
)
CERTIFICATE_FILE, KEY_FILE, CA_FILE = "kjournal.crt", "kjournal.key", "ca.crt"
_SERVICE = "kjournal.kjournal-system.svc"
_DNS_NAMES = ("localhost", _SERVICE, f"{_SERVICE}.cluster.local")
_ADDRESSES = ("127.0.0.1", "::1")
_VALID_FOR = timedelta(days=3650)
# For clients whose clock is late.
_VALID_SINCE = timedelta(hours=1)
ServingKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Authorities = Callable[[], Sequence[x509.Certificate]]


@attrs.frozen(kw_only=True)
class ServingCertificate:
    """What the server shows: its certificate, the ones that issued it, and the key."""

    chain: tuple[x509.Certificate, ...]
    key: ServingKey = attrs.field(repr=False)


@implementer(IOpenSSLServerConnectionCreator)
class ServingContextFactory:
    """Begins TLS on each connection, advertising the CAs that are believed at that moment.

    A Go client chooses its certificate by them.
    """

    def __init__(self, certificate: ServingCertificate, authorities: Authorities) -> None:
        self._certificate, self._authorities = certificate, authorities
        self._advertised = tuple(authorities())
        self._context = _context_of(certificate, self._advertised)

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Return the TLS side of a new connection."""
        authorities = tuple(self._authorities())
        if authorities != self._advertised:
            self._advertised = authorities
            self._context = _context_of(self._certificate, authorities)
        return SSL.Connection(self._context, None)


def serving_context_factory(
    settings: ServingSettings, authorities: Authorities, now: datetime
) -> ServingContextFactory:
    """Return the TLS of the secure port, for `twisted.internet.endpoints.SSL4ServerEndpoint`.

    Raises: ConfigError for a certificate or key that cannot be read or do not match.
    """
    return ServingContextFactory(serving_certificate(settings, now), authorities)


def serving_certificate(settings: ServingSettings, now: datetime) -> ServingCertificate:
    """Return the certificate of the settings, or a self-made one.

    Raises: ConfigError.
    """
    chain_file, key_file = settings.tls_cert_file, settings.tls_private_key_file
    if bool(chain_file) != bool(key_file):
        found = "one of the two"
        raise ConfigError([_mistake("tls-cert-file, tls-private-key-file", found, "both or none")])
    if chain_file:
        return _loaded(Path(chain_file), Path(key_file))
    if not settings.cert_dir:
        return _made(now)
    folder = Path(settings.cert_dir)
    if not (folder / CERTIFICATE_FILE).exists():
        _keep(_made(now), folder)
    return _loaded(folder / CERTIFICATE_FILE, folder / KEY_FILE)


def _loaded(chain_file: Path, key_file: Path) -> ServingCertificate:
    try:
        chain = tuple(x509.load_pem_x509_certificates(chain_file.read_bytes()))
    except (OSError, ValueError) as error:
        found = f"{chain_file}: {error}"
        raise ConfigError([_mistake("tls-cert-file", found, "PEM certificates")]) from error
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        found = f"{key_file}: {error}"
        raise ConfigError([_mistake("tls-private-key-file", found, "a PEM key")]) from error
    if not isinstance(key, ServingKey):
        found = f"{key_file}: {type(key).__name__}"
        raise ConfigError([_mistake("tls-private-key-file", found, "an EC, Ed25519 or RSA key")])
    if key.public_key() != chain[0].public_key():
        found = f"{key_file}: another key"
        allowed = f"the key of {chain_file}"
        raise ConfigError([_mistake("tls-private-key-file", found, allowed)])
    return ServingCertificate(chain=chain, key=key)


def _made(now: datetime) -> ServingCertificate:
    """Return a certificate and its CA, whose key is thrown away."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _common_name("kjournal self-made CA")
    own_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id)
    ca = (
        _builder(issuer, issuer, ca_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(own_id, critical=False)
        .sign(ca_key, SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _DNS_NAMES]
    names += [x509.IPAddress(ip_address(address)) for address in _ADDRESSES]
    leaf = (
        _builder(_common_name(_SERVICE), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(ca_key, SHA256())
    )
    return ServingCertificate(chain=(leaf, ca), key=key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _VALID_SINCE)
        .not_valid_after(now + _VALID_FOR)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _keep(made: ServingCertificate, folder: Path) -> None:
    """Write a certificate; its own file comes last, as it says that the others are there."""
    leaf, ca = made.chain
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        _write(folder / KEY_FILE, key, 0o600)
        _write(folder / CA_FILE, ca.public_bytes(Encoding.PEM), 0o644)
        _write(folder / CERTIFICATE_FILE, leaf.public_bytes(Encoding.PEM), 0o644)
    except OSError as error:
        found = f"{folder}: {error.strerror}"
        raise ConfigError([_mistake("cert-dir", found, "a folder to write to")]) from error


def _write(path: Path, content: bytes, mode: int) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    new.replace(path)


def _mistake(where: str, found: str, allowed: str) -> ConfigMistake:
    return ConfigMistake(f"--{where}", found, allowed)


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
