"""Who asks, over all ways to say so: bad credentials are never anonymous."""

import attrs
import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.web.http_headers import Headers

from kjournal.auth.authenticator import Authenticator, authenticator_of
from kjournal.auth.bearer import TokenReviewer
from kjournal.auth.chain import CABundle
from kjournal.auth.interfaces import Credentials
from kjournal.auth.trust import Trust, TrustSource, trust_of
from kjournal.auth.user import ANONYMOUS, User
from kjournal.config.model import ServingSettings
from kjournal.errors import Forbidden, ServiceUnavailable, Unauthorized
from tests.results import failure, success
from tests.unit.auth.certificates import NOW, Pair, authority, issue

PROXY_CA, CLIENT_CA = authority("front-proxy-ca"), authority("client-ca")
PROXY = issue(PROXY_CA, "front-proxy-client")
ALICE = {"X-Remote-User": ["alice"], "X-Remote-Group": ["team-a"]}
DEFAULTS = trust_of(ServingSettings())
TRUST = Trust(
    CABundle((CLIENT_CA.certificate,)),
    attrs.evolve(
        DEFAULTS.front_proxy,
        cas=CABundle((PROXY_CA.certificate,)),
        allowed_names=("front-proxy-client",),
    ),
)


def authenticator(trust: Trust = TRUST) -> Authenticator:
    clock = Clock()
    clock.rightNow = NOW.timestamp()
    return authenticator_of(TrustSource(trust, clock), TokenReviewer(None, clock), clock)


def shown(*presented: Pair, **headers: list[str]) -> Credentials:
    named = {name.replace("_", "-"): values for name, values in headers.items()}
    return Credentials(tuple(each.certificate for each in presented), Headers(named))


def test_the_front_proxy_vouches_for_a_user() -> None:
    found = success(authenticator().authenticate(shown(PROXY, **ALICE)))
    assert found == User("alice", groups=("team-a", "system:authenticated"))


def test_the_front_proxy_may_pass_on_an_anonymous_user() -> None:
    headers = {"X-Remote-User": ["system:anonymous"], "X-Remote-Group": ["system:unauthenticated"]}
    assert success(authenticator().authenticate(shown(PROXY, **headers))) == ANONYMOUS


def test_a_client_certificate_names_its_user_and_its_headers_are_ignored() -> None:
    client = issue(CLIENT_CA, "bob", organizations=["team-b"])
    found = success(authenticator().authenticate(shown(client, **ALICE)))
    assert (found.name, found.groups) == ("bob", ("team-b", "system:authenticated"))


def test_headers_without_a_certificate_are_anonymous() -> None:
    headers = {"X-Remote-User": ["admin"], "X-Remote-Group": ["system:masters"]}
    assert success(authenticator().authenticate(shown(**headers))) is ANONYMOUS


@pytest.mark.parametrize(
    ("presented", "trust"),
    [
        pytest.param(issue(authority("x"), "alice"), TRUST, id="no trusted CA"),
        pytest.param(issue(CLIENT_CA, ""), TRUST, id="names nobody"),
        pytest.param(PROXY, attrs.evolve(TRUST, client_cas=CABundle()), id="proxy without a name"),
        pytest.param(PROXY, DEFAULTS, id="no CA at all"),
    ],
)
def test_a_certificate_that_makes_nobody_is_unauthorized(presented: Pair, trust: Trust) -> None:
    problem = failure(authenticator(trust).authenticate(shown(presented)), Unauthorized).value
    assert problem.message == "Unauthorized"


def test_a_certificate_of_the_proxys_ca_with_another_name_is_unauthorized() -> None:
    """In many clusters one CA signs front proxies and other things."""
    other = issue(PROXY_CA, "kube-apiserver-kubelet-client")
    failure(authenticator().authenticate(shown(other, **ALICE)), Unauthorized)


def test_impersonation_is_refused_rather_than_ignored() -> None:
    for presented in ((), (issue(CLIENT_CA, "bob"),)):
        asked = shown(*presented, Impersonate_User=["admin"])
        failure(authenticator().authenticate(asked), Forbidden)


class Silent:
    """A cluster that has not answered yet."""


def test_before_the_trust_is_known_certificates_wait_and_others_are_anonymous() -> None:
    clock = Clock()
    source = TrustSource(DEFAULTS, clock, Silent())
    unready = authenticator_of(source, TokenReviewer(None, clock), clock)
    assert source.authorities == ()
    failure(unready.authenticate(shown(PROXY, **ALICE)), ServiceUnavailable)
    assert success(unready.authenticate(shown(**ALICE))) is ANONYMOUS


def test_refusals_are_logged_and_do_not_fill_the_log() -> None:
    clock, seen = Clock(), []
    refusing = authenticator_of(TrustSource(TRUST, clock), TokenReviewer(None, clock), clock)

    def observe(event: LogEvent) -> None:
        if "problems" in event:
            seen.append(event["problems"])

    globalLogPublisher.addObserver(observe)
    try:
        for _ in range(3):
            failure(refusing.authenticate(shown(issue(None, "x"))), Unauthorized)
        assert len(seen) == 1
        clock.advance(10)
        failure(refusing.authenticate(shown(issue(None, "x"))), Unauthorized)
        assert len(seen) == 2
    finally:
        globalLogPublisher.removeObserver(observe)
