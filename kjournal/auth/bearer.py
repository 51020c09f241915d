"""The user of a bearer token, whom the kube-apiserver names in a TokenReview.

Source: apiserver pkg/authentication/request/bearertoken/bearertoken.go,
request/websocket/protocol.go, token/cache, plugin/pkg/authenticator/token/webhook/webhook.go
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http_headers import Headers
from zope.interface import implementer

from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.review import KEEP_S, Reviews, Told, post_review, tell_nobody
from kjournal.auth.user import User
from kjournal.client.connection import KubeAPIError, KubeConnection
from kjournal.errors import Unauthorized

REVIEW_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
WEBSOCKET_BEARER = "base64url.bearer.authorization.k8s.io."


class TokenReviewer:
    """Asks the kube-apiserver whose token it is, and remembers what it said for a while.

    Tokens themselves are not kept: their keyed digests are, and the key is this process's own.
    """

    _log = Logger()

    def __init__(
        self,
        connection: KubeConnection | None,
        clock: IReactorTime,
        keep_s: float = KEEP_S,
        told: Told = tell_nobody,
    ) -> None:
        """`told` hears of each review that is sent: the HTTP code, and the seconds it took."""
        self._connection, self._clock, self._told = connection, clock, told
        self._reviews: Reviews[bytes, User | None] = Reviews(clock, lambda _: keep_s)
        self._key = secrets.token_bytes(32)

    async def user_of(self, token: str) -> User:
        """Return whose token it is.

        Raises: Unauthorized for a token that nobody vouches for, and where that cannot be found
        out: a token is never the same as none.
        """
        connection = self._connection
        if connection is None:
            raise Unauthorized("a bearer token, and no kube-apiserver to ask whose it is")

        async def ask() -> User | None:
            return _user_of(await self._ask(connection, token))

        digest = hmac.new(self._key, token.encode(), hashlib.sha256).digest()
        try:
            user = await self._reviews.answer(digest, ask)
        except KubeAPIError as error:
            self._log.warn("TokenReview failed: {error}", error=str(error))
            raise Unauthorized("it cannot be found out whose the bearer token is") from error
        if user is None:
            raise Unauthorized("the bearer token is nobody's")
        return user

    async def _ask(self, connection: KubeConnection, token: str) -> Mapping[str, Any]:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token},
        }
        return await post_review(connection, REVIEW_PATH, body, self._clock, self._told)


def _user_of(status: Mapping[str, Any]) -> User | None:
    """Return the user of a review's status, or None for a token that is nobody's.

    Raises: KubeAPIError for a status that says neither.
    """
    if status.get("error") or status.get("authenticated", False) is not True:
        return None
    user = status.get("user")
    try:
        return _parsed(user) if isinstance(user, dict) else None
    except (TypeError, ValueError) as error:
        raise KubeAPIError("the kube-apiserver answered a user that is none") from error


def _parsed(user: Mapping[str, Any]) -> User | None:
    name = _text(user.get("username", ""))
    if not name:
        return None
    extra = (user.get("extra") or {}).items() if isinstance(user.get("extra"), dict) else ()
    return User(
        name,
        uid=_text(user.get("uid", "")),
        groups=_texts(user.get("groups")),
        extra=tuple(sorted((key.lower(), _texts(values)) for key, values in extra)),
    )


def _texts(values: object) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list):
        raise ValueError("no list")
    return tuple(_text(value) for value in values)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


@implementer(IAuthenticator)
class BearerAuthenticator:
    """Takes the token of `Authorization: Bearer`."""

    def __init__(self, reviewer: TokenReviewer) -> None:
        self._reviewer = reviewer

    async def authenticate(self, credentials: Credentials) -> User | None:
        """Return whose token it is, or None without one. Raises: Unauthorized."""
        token = bearer_token(credentials.headers)
        return await self._reviewer.user_of(token) if token else None


def bearer_token(headers: Headers) -> str:
    """Return the token of the first Authorization header, or "" where there is none.

    Raises: Unauthorized for one that is not UTF-8.
    """
    values = headers.getRawHeaders(b"authorization", [])
    parts = values[0].strip().split(b" ", 2) if values else []
    if len(parts) < 2 or parts[0].lower() != b"bearer":
        return ""
    return _decoded(parts[1])


@implementer(IAuthenticator)
class WebSocketBearerAuthenticator:
    """Takes the token of a WebSocket's subprotocol: a browser can send it nowhere else."""

    def __init__(self, reviewer: TokenReviewer) -> None:
        self._reviewer = reviewer

    async def authenticate(self, credentials: Credentials) -> User | None:
        """Return whose token it is, or None without one. Raises: Unauthorized."""
        token = websocket_token(credentials.headers)
        return await self._reviewer.user_of(token) if token else None


def websocket_token(headers: Headers) -> str:
    """Return the token that a WebSocket's handshake offers as a subprotocol, or "".

    Raises: Unauthorized for two tokens, for one that is not base64url of UTF-8, and for one without
    another subprotocol beside it, which is the one that is chosen.
    """
    if not _asks_for_websocket(headers):
        return ""
    values = headers.getRawHeaders(b"sec-websocket-protocol", [])
    offered = [name.strip() for value in values for name in value.split(b",")]
    prefix = WEBSOCKET_BEARER.encode()
    tokens = [name.removeprefix(prefix) for name in offered if name.startswith(prefix)]
    if not tokens:
        return ""
    if len(tokens) > 1:
        raise Unauthorized("several bearer tokens among the subprotocols")
    if len(offered) == 1:
        raise Unauthorized("a bearer token without another subprotocol beside it")
    try:
        token = base64.b64decode(tokens[0] + b"=" * (-len(tokens[0]) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise Unauthorized("a bearer token that is not base64url") from error
    return _decoded(token)


def _asks_for_websocket(headers: Headers) -> bool:
    upgrade = b",".join(headers.getRawHeaders(b"upgrade", [])).lower()
    connection = b",".join(headers.getRawHeaders(b"connection", [])).lower()
    return b"websocket" in upgrade and b"upgrade" in connection


def _decoded(token: bytes) -> str:
    try:
        return token.decode()
    except UnicodeDecodeError as error:
        raise Unauthorized("a bearer token that is not UTF-8") from error
