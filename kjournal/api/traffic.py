"""The requests in flight: how many at once, and how they end when kjournal does.

Source: apiserver pkg/server/filters/maxinflight.go, pkg/server/lifecycle_signals.go
"""

from collections import Counter
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kjournal.api.quota import Limits, Quota
from kjournal.api.request import APIRequest
from kjournal.errors import ServiceUnavailable

_ALWAYS = frozenset({"healthz", "livez", "readyz", "metrics"})
"""What is answered until the port closes: those who watch over kjournal need to see its end."""
_LOOK_S = 0.05
_IDLE_LOOKS = 10
"""A connection on which nothing was asked for so long is closed; a new one has time to ask."""


class Traffic:
    """Takes requests in, and lets them out in the order of a shutdown.

    It serves; when it drains it still does, but no connection outlives its answer, so that clients
    go elsewhere; then it refuses what is new, and what is in flight comes to its end.
    """

    def __init__(self, limits: Limits) -> None:
        """Allow so much at once."""
        self._requests = Quota("requests", limits.requests, limits.requests_per_user)
        self._watches = Quota("watches", limits.watches, limits.watches_per_user)
        self.channels: set[Any] = set()
        self._open: set[APIRequest] = set()
        self._draining = False
        self._refusing = False

    @property
    def counted(self) -> int:
        """How many requests are in flight that count, and are no watches."""
        return self._requests.total

    def admit(self, request: APIRequest) -> None:
        """Take a request in, before anybody has looked at whose it is.

        Raises: ServiceUnavailable once nothing new is served.
        """
        self._open.add(request)
        request.notifyFinish().addBoth(lambda _: self._open.discard(request))
        if self._draining:
            _close_after(request)
        if self._refusing and not _watches_over_us(request):
            raise ServiceUnavailable("kjournal is shutting down", retry_after_s=1)

    def count(self, request: APIRequest) -> None:
        """Count a request whose user is known; probes and the cluster's masters are free.

        Raises: TooManyRequests beyond a limit.
        """
        if not _watches_over_us(request):
            (self._watches if request.info.verb == "watch" else self._requests).take(request)

    def drain(self) -> None:
        """Let no connection outlive its answer from now on."""
        self._draining = True
        for request in self._open:
            _close_after(request)

    def refuse(self) -> None:
        """Serve nothing new from now on, but what tells how kjournal is."""
        self._refusing = True

    async def ended(self, clock: IReactorTime, within_s: float) -> None:
        """Return when every answer was read to its end, or after so long.

        A request is over when its last byte is written; the connection still has to send it.
        """
        until_s = clock.seconds() + within_s
        idle: Counter[Any] = Counter()
        while (self._open or self.channels) and clock.seconds() < until_s:
            idle.update(self.channels - {request.channel for request in self._open})
            for channel, looks in idle.items():
                if looks == _IDLE_LOOKS:
                    channel.loseConnection()
            await deferLater(clock, _LOOK_S)

    def cut(self) -> None:
        """Break off what is still in flight: a part must not look like a whole."""
        for request in tuple(self._open):
            request.cut()
        for channel in tuple(self.channels):
            channel.forceAbortClient()


def _watches_over_us(request: APIRequest) -> bool:
    return request.info.path.strip("/").partition("/")[0] in _ALWAYS


def _close_after(request: APIRequest) -> None:
    """End the connection after this answer."""
    if not request.startedWriting:
        request.setHeader("Connection", "close")
    if request.channel is not None:
        request.channel.persistent = False
