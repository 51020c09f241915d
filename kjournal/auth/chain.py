"""Whether a client's certificate was issued by whom we trust."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import attrs
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from kjournal.errors import ConfigError, ConfigMistake, Unauthorized

_CLIENT_USAGES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_BROKEN_DIGESTS = {"md5", "sha1"}
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@attrs.frozen
class CABundle:
    """The certificates that one kind of client certificate must chain to; empty trusts nobody."""

    certificates: tuple[x509.Certificate, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.certificates)

    def verify(self, presented: Sequence[x509.Certificate], now: datetime) -> None:
        """Return if the first certificate, by way of the others, chains to the bundle at `now`.

        Like Go, and unlike plain OpenSSL, it takes any certificate of the bundle for an anchor, and
        wants each issuer to be a CA, each usage to allow clients, and no broken digest.

        Raises: Unauthorized, saying why.
        Source: apiserver pkg/authentication/request/x509/x509.go, and Go's crypto/x509 Verify.
        """
        if not self:
            raise Unauthorized("no CA of client certificates is known")
        store = crypto.X509Store()
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(now)
        for certificate in self.certificates:
            store.add_cert(crypto.X509.from_cryptography(certificate))
        leaf, *others = [crypto.X509.from_cryptography(each) for each in presented]
        try:
            chain = crypto.X509StoreContext(store, leaf, others).get_verified_chain()
        except (crypto.X509StoreContextError, crypto.Error) as error:
            raise Unauthorized(f"the client certificate does not verify: {error}") from error
        _check_constraints([each.to_cryptography() for each in chain])


def _check_constraints(chain: Sequence[x509.Certificate]) -> None:
    try:
        for certificate in chain:
            usage = _extension(certificate, x509.ExtendedKeyUsage)
            if usage is not None and not _CLIENT_USAGES & set(usage):
                raise Unauthorized("the certificate is not meant for clients")
        for certificate in chain[1:]:
            constraints = _extension(certificate, x509.BasicConstraints)
            if constraints is None or not constraints.ca:
                raise Unauthorized("the certificate was issued by one that is no CA")
        for certificate in chain[:-1]:
            digest = certificate.signature_hash_algorithm
            if digest is not None and digest.name in _BROKEN_DIGESTS:
                raise Unauthorized(f"the certificate is signed with {digest.name}")
    except ValueError as error:
        raise Unauthorized(f"the certificate cannot be read: {error}") from error


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def common_name(certificate: x509.Certificate) -> str:
    """Return the subject's last common name, as Go reads it, or ""."""
    return (subject_values(certificate, NameOID.COMMON_NAME) or ("",))[-1]


def subject_values(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> tuple[str, ...]:
    """Return the values of one attribute of the subject, in their order.

    Raises: Unauthorized for a subject that cannot be read.
    """
    try:
        found = certificate.subject.get_attributes_for_oid(oid)
    except ValueError as error:
        raise Unauthorized(f"the certificate's subject cannot be read: {error}") from error
    return tuple(str(each.value) for each in found)


def parse_bundle(pem: bytes) -> CABundle:
    """Return the certificates of a PEM text; an empty text is an empty bundle.

    Raises: ValueError.
    """
    if not pem.strip():
        return CABundle()
    return CABundle(tuple(x509.load_pem_x509_certificates(pem)))


def load_bundle(path: str, setting: str) -> CABundle:
    """Return the certificates of a PEM file; no path is an empty bundle.

    Raises: ConfigError, naming the setting, for a file that holds none.
    """
    if not path:
        return CABundle()
    try:
        bundle = parse_bundle(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError([ConfigMistake(setting, f"{path}: {error}", "a PEM file")]) from error
    if not bundle:
        raise ConfigError([ConfigMistake(setting, f"{path}: nothing", "PEM certificates")])
    return bundle
