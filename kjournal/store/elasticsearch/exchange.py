"""One request and its whole answer, which ends early only by being cancelled or too large."""

from typing import Any, TypeVar

from elastic_transport import TransportError
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

MAX_ANSWER_BYTES = 256 << 20

_Result = TypeVar("_Result")


class AnswerTooLarge(TransportError):
    """The answer's body is longer than MAX_ANSWER_BYTES."""


@implementer(IBodyProducer)
class _Body:
    """A request's body that is there already."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        """All is written at once."""

    def resumeProducing(self) -> None:
        """All is written at once."""

    def stopProducing(self) -> None:
        """All is written at once."""


class _Collector(Protocol):
    """A response's body as a Deferred; cancelling it drops the connection."""

    def __init__(self) -> None:
        self.whole: Deferred[bytes] = Deferred(lambda _: self._give_up(CancelledError()))
        self._parts: list[bytes] = []
        self._left = MAX_ANSWER_BYTES

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            self._parts.append(data)
        elif not self.whole.called:
            self._give_up(AnswerTooLarge("the answer is too large"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        # Without a length only the content can tell whether it is whole: JSON can.
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)

    def _give_up(self, error: Exception) -> None:
        """Fail, and drop the connection; in that order, as dropping it may end the response."""
        self._parts.clear()
        self.whole.errback(error)
        drop = getattr(self.transport, "abortConnection", None)
        if drop is None and self.transport is not None:
            drop = self.transport.loseConnection
        if drop is not None:
            drop()


async def exchanged(
    agent: IAgent, method: bytes, url: bytes, headers: Headers, body: bytes | None
) -> tuple[IResponse, bytes]:
    """Return an answer with its whole body.

    Raises: what the agent raises; AnswerTooLarge, and then the connection is dropped.
    """
    response = await agent.request(method, url, headers, _Body(body) if body else None)
    if method == b"HEAD":
        return response, b""
    collector = _Collector()
    response.deliverBody(collector)
    return response, await collector.whole


def cancellable(work: Deferred[_Result]) -> Deferred[_Result]:
    """Return what fails with CancelledError if it is cancelled, and else goes as `work` goes.

    An agent that is cancelled says so in other words at each stage, as if the node had failed.
    """
    abandoned = False

    def abandon(_: Deferred[_Result]) -> None:
        nonlocal abandoned
        abandoned = True
        work.cancel()

    def tell(result: Any) -> None:
        if not abandoned:
            shown.callback(result)

    shown: Deferred[_Result] = Deferred(abandon)
    work.addBoth(tell)
    return shown
