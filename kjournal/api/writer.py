"""Writing a stream as fast as its reader reads, and no faster."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from kjournal.api.request import APIRequest

# A reader that takes nothing for so long is gone, or as good as gone: while its buffer is full
# Twisted does not read either, so that nobody else would notice.
STALL_S = 30.0


@implementer(IPushProducer)
class StreamWriter:
    """Writes the body of one answer; each write waits until the transport has room again."""

    def __init__(self, request: APIRequest, clock: IReactorTime, stall_s: float = STALL_S) -> None:
        self._request, self._clock, self._stall_s = request, clock, stall_s
        self._room: Deferred[None] | None = None
        self._paused = False
        request.registerProducer(self, True)

    async def write(self, data: bytes) -> None:
        """Write, and return when there is room for more.

        Raises: twisted.internet.defer.TimeoutError if the reader takes nothing for too long.
        """
        self._request.write(data)
        if self._paused:
            self._room = Deferred()
            self._room.addTimeout(self._stall_s, self._clock)
            await self._room

    def release(self) -> None:
        """Give the transport back. Not after a disconnect: there is none left then."""
        if not self._request.gone:
            self._request.unregisterProducer()

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """There is room again."""
        self._paused = False
        room, self._room = self._room, None
        if room is not None and not room.called:
            room.callback(None)

    def stopProducing(self) -> None:
        """The client left; the request's own notifyFinish cancels who waits."""
