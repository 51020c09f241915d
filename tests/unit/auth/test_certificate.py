"""The user whom a client certificate names."""

from cryptography.hazmat.primitives.hashes import SHA256
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers
from zope.interface.verify import verifyObject

from kjournal.auth.certificate import CertificateAuthenticator
from kjournal.auth.chain import CABundle
from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.user import User
from kjournal.errors import Unauthorized
from tests.results import failure, success
from tests.unit.auth.certificates import NOW, Pair, authority, issue

CA = authority("client-ca")


def authenticator(cas: CABundle | None = None) -> CertificateAuthenticator:
    clock = Clock()
    clock.rightNow = NOW.timestamp()
    return CertificateAuthenticator(CABundle((CA.certificate,)) if cas is None else cas, clock)


def shown(*presented: Pair, headers: Headers | None = None) -> Credentials:
    return Credentials(tuple(each.certificate for each in presented), headers or Headers())


def test_it_provides_the_interface() -> None:
    verifyObject(IAuthenticator, authenticator())


def test_the_common_name_is_the_user_and_organizations_are_groups() -> None:
    alice = issue(CA, "alice", organizations=["team-a", "team-b"])
    digest = alice.certificate.fingerprint(SHA256()).hex()
    assert success(authenticator().authenticate(shown(alice))) == User(
        "alice",
        groups=("team-a", "team-b"),
        extra=(("authentication.kubernetes.io/credential-id", (f"X509SHA256={digest}",)),),
    )


def test_headers_of_a_front_proxy_are_ignored() -> None:
    headers = Headers({"X-Remote-User": ["admin"], "X-Remote-Group": ["system:masters"]})
    found = success(authenticator().authenticate(shown(issue(CA, "alice"), headers=headers)))
    assert (found.name, found.groups) == ("alice", ())


def test_no_certificate_and_no_common_name_are_no_opinion() -> None:
    assert success(authenticator().authenticate(shown())) is None
    nameless = issue(CA, "", organizations=["system:masters"])
    assert success(authenticator().authenticate(shown(nameless))) is None


def test_a_certificate_of_another_ca_is_refused() -> None:
    failure(authenticator().authenticate(shown(issue(authority("x"), "a"))), Unauthorized)


def test_without_a_ca_every_certificate_is_refused() -> None:
    failure(authenticator(CABundle()).authenticate(shown(issue(CA, "alice"))), Unauthorized)
