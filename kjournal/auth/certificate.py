"""The user whom a client certificate names."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from kjournal.auth.chain import CABundle, common_name, subject_values
from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.user import User

_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


@implementer(IAuthenticator)
class CertificateAuthenticator:
    """Takes the common name for the user and each organization for a group.

    Source: apiserver pkg/authentication/request/x509/x509.go
    """

    def __init__(self, cas: CABundle, clock: IReactorTime) -> None:
        self._cas, self._clock = cas, clock

    async def authenticate(self, credentials: Credentials) -> User | None:
        """Return the user of the certificate, or None where there is none or it names nobody.

        Raises: Unauthorized for a certificate that no trusted CA issued.
        """
        if not credentials.peer_chain:
            return None
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        self._cas.verify(credentials.peer_chain, now)
        leaf = credentials.peer_chain[0]
        name = common_name(leaf)
        if not name:
            return None
        groups = subject_values(leaf, NameOID.ORGANIZATION_NAME)
        return User(name, groups=groups, extra=((_CREDENTIAL_ID, (_id_of(leaf),)),))


def _id_of(certificate: x509.Certificate) -> str:
    return f"X509SHA256={certificate.fingerprint(SHA256()).hex()}"
