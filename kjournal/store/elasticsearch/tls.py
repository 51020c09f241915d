"""TLS to the cluster as the settings say."""

from ipaddress import ip_address

from OpenSSL.crypto import X509
from OpenSSL.SSL import VERIFY_FAIL_IF_NO_PEER_CERT, VERIFY_PEER, Connection, Context
from OpenSSL.SSL import Error as OpenSSLError
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import StoreUnavailable


@implementer(IPolicyForHTTPS)
class TLSPolicy:
    """What is trusted and shown on connections to the cluster.

    The CA file is trusted beside the system's CAs. Files are read when a connection is made, so
    that a renewed certificate is used without a restart.
    """

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._settings = settings

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """Return what makes TLS connections to a host.

        Raises: StoreUnavailable where a certificate or key file cannot be read.
        """
        settings = self._settings
        name = settings.server_name or hostname.decode("ascii")
        context = CertificateOptions().getContext()
        try:
            if settings.client_cert:
                context.use_certificate_chain_file(settings.client_cert)
                context.use_privatekey_file(settings.client_key or settings.client_cert)
            if settings.ca_cert:
                context.load_verify_locations(settings.ca_cert)
        except OpenSSLError as error:
            raise StoreUnavailable("a certificate file for Elasticsearch cannot be read") from error
        if not settings.allow_insecure:
            context.set_default_verify_paths()
            context.set_verify(VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT, _Expecting(name))
        return _Creator(name, context)


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    """Connections with one context to one host."""

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._context = context

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> Connection:  # noqa: N803
        """Return a connection that names the host, unless that is an address."""
        connection = Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        if not _is_address(self._name):
            connection.set_tlsext_host_name(self._name.encode("ascii"))
        return connection


class _Expecting:
    """OpenSSL's question about each certificate of a chain; the server's own must have the name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(  # noqa: PLR0913, RUF100 - as OpenSSL calls it
        self, connection: Connection, certificate: X509, error: int, depth: int, trusted: int
    ) -> bool:
        if not trusted or depth > 0:
            return bool(trusted)
        shown = certificate.to_cryptography()
        try:
            if _is_address(self._name):
                verify_certificate_ip_address(shown, self._name)
            else:
                verify_certificate_hostname(shown, self._name)
        except (CertificateError, VerificationError):
            return False
        return True


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
