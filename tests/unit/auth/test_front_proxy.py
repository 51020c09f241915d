"""Whom the front proxy vouches for, and who is no front proxy."""

from datetime import timedelta

import attrs
import pytest
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers
from zope.interface.verify import verifyObject

from kjournal.auth.chain import CABundle
from kjournal.auth.front_proxy import FrontProxyAuthenticator, FrontProxyTrust
from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.user import User
from kjournal.errors import Unauthorized
from tests.results import failure, success
from tests.unit.auth.certificates import NOW, SERVER_AUTH, Pair, authority, issue

CA = authority("front-proxy-ca")
PROXY = issue(CA, "front-proxy-client")
TRUST = FrontProxyTrust(
    cas=CABundle((CA.certificate,)),
    allowed_names=("front-proxy-client",),
    username_headers=("X-Remote-User",),
    uid_headers=("X-Remote-Uid",),
    group_headers=("X-Remote-Group",),
    extra_prefixes=("X-Remote-Extra-",),
)
ALICE = {b"X-Remote-User": [b"alice"]}


def clock() -> Clock:
    moment = Clock()
    moment.rightNow = NOW.timestamp()
    return moment


def authenticator(**changes: object) -> FrontProxyAuthenticator:
    return FrontProxyAuthenticator(attrs.evolve(TRUST, **changes), clock())


def asked(headers: dict[bytes, list[bytes]], *presented: Pair, **changes: object) -> User | None:
    chain = tuple(each.certificate for each in presented)
    return success(authenticator(**changes).authenticate(Credentials(chain, Headers(headers))))


def refused(headers: dict[bytes, list[bytes]], *presented: Pair, **changes: object) -> str:
    chain = tuple(each.certificate for each in presented)
    work = authenticator(**changes).authenticate(Credentials(chain, Headers(headers)))
    return str(failure(work, Unauthorized).value)


def test_it_provides_the_interface() -> None:
    verifyObject(IAuthenticator, authenticator())


def test_all_headers_of_the_proxy_are_read() -> None:
    headers = {
        b"x-remote-user": [b"alice"],
        b"X-REMOTE-UID": [b"7"],
        b"X-Remote-Group": [b"team-a", b"team,b", b"", b"system:authenticated"],
        b"X-Remote-Extra-Authentication.kubernetes.io%2fcredential-Id": [b"X509SHA256=1", b"two"],
        b"X-Remote-Extra-Scopes": ["größe".encode()],
        b"X-Remote-Extra-100%": [b"malformed"],
    }
    assert asked(headers, PROXY) == User(
        "alice",
        uid="7",
        groups=("team-a", "team,b", "system:authenticated"),
        extra=(
            ("100%", ("malformed",)),
            ("authentication.kubernetes.io/credential-id", ("X509SHA256=1", "two")),
            ("scopes", ("größe",)),
        ),
    )


def test_the_first_username_header_with_a_value_counts() -> None:
    headers = {b"X-One": [b""], b"X-Two": [b"two", b"other"], b"X-Three": [b"three"]}
    found = asked(headers, PROXY, username_headers=("X-One", "X-Two", "X-Three"))
    assert found == User("two")


def test_a_uid_header_that_is_not_named_is_ignored() -> None:
    assert asked({**ALICE, b"X-Remote-Uid": [b"7"]}, PROXY, uid_headers=()) == User("alice")


def test_no_username_is_no_opinion() -> None:
    assert asked({b"X-Remote-Group": [b"system:masters"]}, PROXY) is None


def test_headers_without_a_certificate_are_ignored() -> None:
    assert asked(ALICE) is None


def test_without_a_ca_nobody_is_a_proxy() -> None:
    assert asked(ALICE, PROXY, cas=CABundle()) is None


def test_any_name_may_be_allowed() -> None:
    assert asked(ALICE, issue(CA, "anybody"), allowed_names=()) == User("alice")


@pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(issue(CA, "other"), id="wrong name"),
        pytest.param(issue(CA, ""), id="no name"),
        pytest.param(issue(authority("front-proxy-ca"), "front-proxy-client"), id="wrong CA"),
        pytest.param(issue(None, "front-proxy-client"), id="self-signed"),
        pytest.param(issue(CA, "front-proxy-client", usages=[SERVER_AUTH]), id="wrong usage"),
        pytest.param(
            issue(CA, "front-proxy-client", until=NOW - timedelta(seconds=1)), id="expired"
        ),
    ],
)
def test_a_certificate_that_is_not_the_proxys_is_refused(proxy: Pair) -> None:
    assert refused(ALICE, proxy)


def test_the_proxys_certificate_must_be_the_leaf() -> None:
    """Whoever has the proxy's public certificate may send it along, and is nobody by that."""
    assert refused(ALICE, issue(None, "mallory"), PROXY)


def test_a_header_that_is_no_utf8_is_refused() -> None:
    assert "UTF-8" in refused({b"X-Remote-User": [b"\xff"]}, PROXY)


def test_it_expires_as_time_passes() -> None:
    moment = clock()
    proxy = FrontProxyAuthenticator(TRUST, moment)
    credentials = Credentials((PROXY.certificate,), Headers(ALICE))
    assert success(proxy.authenticate(credentials)) == User("alice")
    moment.advance(2 * 86400)
    failure(proxy.authenticate(credentials), Unauthorized)
