"""TLS to the cluster as the settings say."""

from OpenSSL.crypto import X509
from OpenSSL.SSL import Connection, Context
from OpenSSL.SSL import Error as OpenSSLError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import StoreUnavailable

_END = b"-----END CERTIFICATE-----"


@implementer(IPolicyForHTTPS)
class TLSPolicy:
    """What is trusted and shown on connections to the cluster.

    The CA file is trusted beside the system's CAs. Files are read when a connection is made, so
    that a renewed certificate is used without a restart.
    """

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._settings = settings

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """Return what makes one TLS connection to a host.

        Raises: StoreUnavailable where a certificate or key file cannot be read.
        """
        name = self._settings.server_name or hostname.decode("ascii")
        try:
            own, chain = _own_certificate(self._settings)
            if self._settings.ca_cert:
                _certificates(self._settings.ca_cert)
        except (OSError, ValueError, OpenSSLError) as error:
            raise StoreUnavailable("a certificate file for Elasticsearch cannot be read") from error
        if self._settings.allow_insecure:
            return _Unverified(name, _unverifying(own, chain))
        more = {"extraCertChain": chain} if chain else {}
        creator = optionsForClientTLS(name, clientCertificate=own, extraCertificateOptions=more)
        if not self._settings.ca_cert:
            return creator
        return _AlsoTrusting(creator, self._settings.ca_cert)


@implementer(IOpenSSLClientConnectionCreator)
class _AlsoTrusting:
    """Connections that trust a file of CAs beside those they trust already."""

    def __init__(self, creator: IOpenSSLClientConnectionCreator, ca_cert: str) -> None:
        self._creator = creator
        self._ca_cert = ca_cert

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803
        connection = self._creator.clientConnectionForTLS(tlsProtocol)
        connection.get_context().load_verify_locations(self._ca_cert)
        return connection


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Connections that believe any certificate: allow_insecure."""

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._context = context

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803
        connection = Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if any(char.isalpha() for char in self._name) and ":" not in self._name:
            connection.set_tlsext_host_name(self._name.encode("idna"))
        return connection


def _own_certificate(
    settings: ElasticsearchSettings,
) -> tuple[PrivateCertificate | None, list[X509]]:
    """Return the client certificate with its key, and the rest of its chain."""
    if not settings.client_cert:
        return None, []
    first, *chain = _certificates(settings.client_cert)
    with open(settings.client_key or settings.client_cert, "rb") as file:
        key = file.read()
    own = PrivateCertificate.loadPEM(key + b"\n" + first.dumpPEM())
    return own, [certificate.original for certificate in chain]


def _unverifying(own: PrivateCertificate | None, chain: list[X509]) -> Context:
    if own is None:
        return CertificateOptions(verify=False).getContext()
    return CertificateOptions(
        privateKey=own.privateKey.original,
        certificate=own.original,
        extraCertChain=chain,
        verify=False,
    ).getContext()


def _certificates(path: str) -> list[Certificate]:
    """Return the certificates of a PEM file.

    Raises: OSError, or ValueError where it holds none.
    """
    with open(path, "rb") as file:
        blocks = file.read().split(_END)
    found = [Certificate.loadPEM(block + _END) for block in blocks if b"-----BEGIN" in block]
    if not found:
        raise ValueError("no certificate")
    return found
