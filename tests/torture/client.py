"""HTTP as the watchers speak it: one connection for each request, and bodies that may be left."""

import random
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, readBody
from twisted.web.iweb import IResponse

from kjournal.codec import load_json
from tests.torture.lines import LineView

_API = "/apis/core.kjournal/v1alpha1"
_CONNECT_S = 5.0


def path_of(view: LineView, parameters: Mapping[str, str]) -> str:
    """Return what to ask for: the lines of a view."""
    where = f"/namespaces/{view.namespace}" if view.namespace else ""
    return f"{_API}{where}/containerlogs?{urlencode({**view.parameters, **parameters})}"


@attrs.frozen
class Requests:
    """A client of gateways."""

    agent: Agent

    @classmethod
    def on(cls, reactor: IReactorTCP) -> "Requests":
        """Return one."""
        return cls(Agent(reactor, connectTimeout=_CONNECT_S))

    async def begin(self, url: str) -> IResponse:
        """Return the head of an answer."""
        return await self.agent.request(b"GET", url.encode())

    async def whole(self, response: IResponse) -> Any:
        """Return the rest of an answer as JSON; cut off, it is an error."""
        return load_json(await readBody(response))


class Frames(Protocol):
    """A watch's body: whole lines go to `line`; `ended` fires when there are no more."""

    def __init__(self, line: Callable[[bytes], None], dice: random.Random) -> None:
        self.ended: Deferred[None] = Deferred()
        self._line, self._dice = line, dice
        self._rest = b""
        self._left, self._cut = False, False

    def dataReceived(self, data: bytes) -> None:
        """Hand on the lines of it, or of some of it if the connection is to be cut in a line."""
        if self._left:
            return
        if self._cut:
            data = data[: self._dice.randrange(len(data) + 1)]
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
            if self._left:
                return
        if self._cut:
            self.leave()

    def connectionLost(self, reason: Failure = Failure(ConnectionError())) -> None:  # noqa: B008
        """The stream is over, for whatever reason."""
        self._left = True
        if not self.ended.called:
            self.ended.callback(None)

    def cut(self) -> None:
        """Leave in the middle of what comes next."""
        self._cut = True

    def leave(self) -> None:
        """Leave now."""
        self._left = True
        if self.transport is not None:
            self.transport.loseConnection()

    def stop_reading(self) -> None:
        """Take nothing more from the socket."""
        if not self._left:
            self.transport.pauseProducing()  # type: ignore[union-attr]

    def read_on(self) -> None:
        """Take what has come meanwhile."""
        if not self._left:
            self.transport.resumeProducing()  # type: ignore[union-attr]
