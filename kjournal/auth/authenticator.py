"""Who asks: all ways to say so, tried in order.

Source: apiserver pkg/authentication/authenticatorfactory/delegating.go, request/union/union.go
"""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from kjournal.auth.bearer import (
    BearerAuthenticator,
    TokenReviewer,
    WebSocketBearerAuthenticator,
)
from kjournal.auth.certificate import CertificateAuthenticator
from kjournal.auth.front_proxy import FrontProxyAuthenticator
from kjournal.auth.interfaces import Credentials, IAuthenticator
from kjournal.auth.trust import TrustSource
from kjournal.auth.user import ANONYMOUS, User
from kjournal.errors import Forbidden, Unauthorized

SILENCE_S = 10.0
Told = Callable[[str, float, str], object]
"""Is told whether somebody was authenticated, how many seconds it took, and who it is."""

_IMPERSONATION = b"impersonate-"


def tell_nobody(result: str, took_s: float, username: str = "") -> None:
    """Count nothing."""


class Authenticator:
    """Takes the first user that any way yields; whoever shows nothing at all is anonymous.

    Credentials that are bad in one way and unknown to the others are an error: the sender meant to
    be somebody.
    """

    _log = Logger()

    def __init__(
        self,
        ways: Callable[[Credentials], Sequence[IAuthenticator]],
        clock: IReactorTime,
        told: Told = tell_nobody,
    ) -> None:
        self._ways, self._clock, self._told = ways, clock, told
        self._silent_until_s = 0.0

    async def authenticate(self, credentials: Credentials) -> User:
        """Return who asks.

        Raises: Unauthorized for bad credentials; Forbidden for impersonation, which kube-apiserver
        does and kjournal does not; ServiceUnavailable while no credentials can be judged.
        """
        self._refuse_impersonation(credentials)
        began_s, result, name = self._clock.seconds(), "error", ""
        try:
            user = await self._first_user(credentials)
            result, name = "success", user.name
        finally:
            self._told(result, self._clock.seconds() - began_s, name)
        return user

    async def _first_user(self, credentials: Credentials) -> User:
        problems: list[str] = []
        for way in self._ways(credentials):
            try:
                user = await way.authenticate(credentials)
            except Unauthorized as error:
                problems.append(error.message)
                continue
            if user is not None:
                return user.with_authenticated_group()
        if problems:
            self._tell_operator(problems)
            raise Unauthorized("Unauthorized")
        return ANONYMOUS

    def _tell_operator(self, problems: Sequence[str]) -> None:
        # Through the aggregator a 401 looks like the user's own fault. Strangers cause it too, so
        # it may not fill the log.
        if self._clock.seconds() < self._silent_until_s:
            return
        self._silent_until_s = self._clock.seconds() + SILENCE_S
        self._log.warn(
            "credentials refused: {problems}; more of this is not logged for {silence_s:g} s",
            problems="; ".join(problems),
            silence_s=SILENCE_S,
        )

    def _refuse_impersonation(self, credentials: Credentials) -> None:
        for name, _ in credentials.headers.getAllRawHeaders():
            if name.lower().startswith(_IMPERSONATION):
                raise Forbidden("kjournal does not impersonate; ask by way of kube-apiserver")


def authenticator_of(
    source: TrustSource, reviewer: TokenReviewer, clock: IReactorTime, told: Told = tell_nobody
) -> Authenticator:
    """Return what says who asks, by the trust in force at each request."""
    by_token = (BearerAuthenticator(reviewer), WebSocketBearerAuthenticator(reviewer))

    def ways(credentials: Credentials) -> Sequence[IAuthenticator]:
        # Probes and token users are answered while it is not known whose certificates to believe.
        if not credentials.peer_chain:
            return by_token
        trust = source.trust
        return (
            FrontProxyAuthenticator(trust.front_proxy, clock),
            CertificateAuthenticator(trust.client_cas, clock),
            *by_token,
        )

    return Authenticator(ways, clock, told)
