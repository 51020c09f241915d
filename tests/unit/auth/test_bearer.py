"""Whose token it is: asked of the kube-apiserver, kept by a digest, never anonymous."""

import base64
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers

from kjournal.auth.authenticator import Authenticator, authenticator_of
from kjournal.auth.bearer import (
    REVIEW_PATH,
    WEBSOCKET_BEARER,
    BearerAuthenticator,
    TokenReviewer,
    WebSocketBearerAuthenticator,
)
from kjournal.auth.interfaces import Credentials
from kjournal.auth.trust import TrustSource, trust_of
from kjournal.auth.user import ANONYMOUS, User
from kjournal.config.model import ServingSettings
from kjournal.errors import Unauthorized
from tests.results import failure, started, success
from tests.unit.client.kube import HELD, FakeKube

ALICE = {"username": "alice", "uid": "7", "groups": ["team-a"], "extra": {"Scopes": ["v"]}}
USER = User("alice", uid="7", groups=("team-a",), extra=(("scopes", ("v",)),))


def reviewed(**status: Any) -> tuple[int, dict[str, Any]]:
    return 201, {"kind": "TokenReview", "status": status}


def shown(token: str = "t0ken", **headers: str) -> Credentials:
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return Credentials((), Headers(named or {"Authorization": [f"Bearer {token}"]}))


def websocket(*protocols: str) -> Credentials:
    return shown(
        Connection="keep-alive, Upgrade",
        Upgrade="websocket",
        Sec_WebSocket_Protocol=", ".join(protocols),
    )


def encoded(token: bytes) -> str:
    return WEBSOCKET_BEARER + base64.urlsafe_b64encode(token).decode().rstrip("=")


def reviewer(answer: Any) -> tuple[FakeKube, TokenReviewer]:
    fake = FakeKube(lambda _: answer)
    return fake, TokenReviewer(fake.connection(), fake.clock)


def test_the_kube_apiserver_says_whose_it_is() -> None:
    fake, tokens = reviewer(reviewed(authenticated=True, user=ALICE))
    assert success(BearerAuthenticator(tokens).authenticate(shown())) == USER
    (asked,) = fake.asked
    assert (asked.method, asked.path) == ("POST", REVIEW_PATH)
    assert asked.body["spec"] == {"token": "t0ken"}


@pytest.mark.parametrize("header", ["bearer t0ken", "BEARER t0ken more", " Bearer t0ken "])
def test_the_scheme_is_of_any_case(header: str) -> None:
    fake, tokens = reviewer(reviewed(authenticated=True, user=ALICE))
    assert success(BearerAuthenticator(tokens).authenticate(shown(Authorization=header))) == USER
    assert fake.asked[0].body["spec"] == {"token": "t0ken"}


@pytest.mark.parametrize("header", ["Basic dXNlcjpw", "Bearer", "Bearer  t0ken", "t0ken"])
def test_what_is_no_token_is_left_to_others(header: str) -> None:
    fake, tokens = reviewer(HELD)
    assert success(BearerAuthenticator(tokens).authenticate(shown(Authorization=header))) is None
    assert fake.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        reviewed(authenticated=False),
        reviewed(),
        reviewed(authenticated="true", user=ALICE),
        reviewed(authenticated=True, user=ALICE, error="expired"),
        reviewed(authenticated=True),
        reviewed(authenticated=True, user={"username": ""}),
        reviewed(authenticated=True, user={"username": 7}),
        reviewed(authenticated=True, user={"username": "a", "groups": "system:masters"}),
        reviewed(authenticated=True, user={"username": "a", "groups": [7]}),
        (403, {}),
        (201, {"status": "yes"}),
        (200, b"<html>"),
        (302, {}),
    ],
)
def test_anything_but_a_clear_yes_is_nobody(answer: Any) -> None:
    fake, tokens = reviewer(answer)
    asked = started(BearerAuthenticator(tokens).authenticate(shown()))
    fake.clock.pump([10])
    failure(asked, Unauthorized)


@pytest.mark.parametrize("authenticated", [True, False])
def test_both_answers_are_kept_for_ten_seconds(authenticated: bool) -> None:
    fake, tokens = reviewer(reviewed(authenticated=authenticated, user=ALICE))
    for wait_s, asked in ((0, 1), (9.9, 1), (0.2, 2)):
        fake.clock.advance(wait_s)
        started(tokens.user_of("t0ken")).addErrback(lambda failed: failed.trap(Unauthorized))
        assert len(fake.asked) == asked
    started(tokens.user_of("another")).addErrback(lambda failed: failed.trap(Unauthorized))
    assert len(fake.asked) == 3


def test_failures_are_not_kept() -> None:
    answers = iter([(403, {}), reviewed(authenticated=True, user=ALICE)])
    fake = FakeKube(lambda _: next(answers))
    tokens = TokenReviewer(fake.connection(), fake.clock)
    failure(tokens.user_of("t0ken"), Unauthorized)
    assert success(tokens.user_of("t0ken")) == USER


def test_tokens_are_not_in_memory_as_they_came() -> None:
    _, tokens = reviewer(reviewed(authenticated=True, user=ALICE))
    success(tokens.user_of("t0ken"))
    assert b"t0ken" not in b"".join(tokens._reviews._kept)


def test_a_websocket_offers_its_token_beside_another_protocol() -> None:
    fake, tokens = reviewer(reviewed(authenticated=True, user=ALICE))
    way = WebSocketBearerAuthenticator(tokens)
    assert success(way.authenticate(websocket(encoded(b"t0ken"), "base64.binary.k8s.io"))) == USER
    assert fake.asked[0].body["spec"] == {"token": "t0ken"}


@pytest.mark.parametrize(
    "protocols",
    [
        (encoded(b"t0ken"),),
        (encoded(b"t0ken"), encoded(b"other"), "x"),
        (WEBSOCKET_BEARER + "*", "x"),
        (encoded(b"\xff\xfe"), "x"),
    ],
)
def test_a_token_offered_otherwise_is_refused(protocols: tuple[str, ...]) -> None:
    fake, tokens = reviewer(HELD)
    failure(WebSocketBearerAuthenticator(tokens).authenticate(websocket(*protocols)), Unauthorized)
    assert fake.asked == []


def test_without_a_websocket_a_subprotocol_is_no_token() -> None:
    _, tokens = reviewer(HELD)
    offered = shown(Sec_WebSocket_Protocol=f"{encoded(b't0ken')}, x")
    assert success(WebSocketBearerAuthenticator(tokens).authenticate(offered)) is None


def whole(tokens: TokenReviewer) -> Authenticator:
    clock = Clock()
    return authenticator_of(TrustSource(trust_of(ServingSettings()), clock), tokens, clock)


def test_token_users_are_authenticated() -> None:
    _, tokens = reviewer(reviewed(authenticated=True, user=ALICE))
    user = success(whole(tokens).authenticate(shown()))
    assert user.groups == ("team-a", "system:authenticated")


def test_a_bad_token_is_never_anonymous() -> None:
    _, tokens = reviewer(reviewed(authenticated=False))
    failure(whole(tokens).authenticate(shown()), Unauthorized)
    assert success(whole(tokens).authenticate(shown(Accept="*/*"))) == ANONYMOUS


def test_without_a_kube_apiserver_to_ask_a_token_is_refused() -> None:
    failure(whole(TokenReviewer(None, Clock())).authenticate(shown()), Unauthorized)
