"""The user whom kube-apiserver vouches for, in X-Remote-* headers."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers
from zope.interface import implementer

from kjournal.auth.chain import CABundle, common_name
from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.user import User
from kjournal.errors import Unauthorized

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


@attrs.frozen(kw_only=True)
class FrontProxyTrust:
    """Which proxies are believed, and in which headers.

    `allowed_names` are the common names that a proxy may have; empty allows any.
    """

    cas: CABundle = attrs.field(factory=CABundle)
    allowed_names: tuple[str, ...] = ()
    username_headers: tuple[str, ...] = ()
    uid_headers: tuple[str, ...] = ()
    group_headers: tuple[str, ...] = ()
    extra_prefixes: tuple[str, ...] = ()


@implementer(IAuthenticator)
class FrontProxyAuthenticator:
    """Believes the headers of a connection whose certificate is the front proxy's, and no other's.

    Source: apiserver pkg/authentication/request/headerrequest/requestheader.go
    """

    def __init__(self, trust: FrontProxyTrust, clock: IReactorTime) -> None:
        self._trust, self._clock = trust, clock

    async def authenticate(self, credentials: Credentials) -> User | None:
        """Return the user of the headers, or None without a certificate or a name.

        Raises: Unauthorized for a certificate that is not the front proxy's.
        """
        if not credentials.peer_chain or not self._trust.cas:
            return None
        now = datetime.fromtimestamp(self._clock.seconds(), UTC)
        self._trust.cas.verify(credentials.peer_chain, now)
        name = common_name(credentials.peer_chain[0])
        if self._trust.allowed_names and name not in self._trust.allowed_names:
            raise Unauthorized("the certificate's common name is no allowed front proxy's")
        return self._user(credentials.headers)

    def _user(self, headers: Headers) -> User | None:
        name = _first_value(headers, self._trust.username_headers)
        if not name:
            return None
        return User(
            name,
            uid=_first_value(headers, self._trust.uid_headers),
            groups=tuple(_values(headers, self._trust.group_headers)),
            extra=_extra(headers, self._trust.extra_prefixes),
        )


def _first_value(headers: Headers, names: Sequence[str]) -> str:
    for name in names:
        values = headers.getRawHeaders(name.encode(), [])
        if values and values[0]:
            return _text(values[0])
    return ""


def _values(headers: Headers, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        for value in headers.getRawHeaders(name.encode(), []):
            if value:
                yield _text(value)


def _extra(headers: Headers, prefixes: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: dict[str, tuple[str, ...]] = {}
    for prefix in prefixes:
        lower = prefix.lower().encode()
        for name, values in sorted(headers.getAllRawHeaders()):
            if name.lower().startswith(lower):
                key = _decoded(_text(name.lower()[len(lower) :]))
                found[key] = (*found.get(key, ()), *(_text(value) for value in values))
    return tuple(sorted(found.items()))


def _decoded(key: str) -> str:
    if _BAD_ESCAPE.search(key):
        return key
    try:
        return unquote_to_bytes(key).decode()
    except UnicodeDecodeError:
        return key


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Unauthorized("an identity header is not UTF-8") from error
