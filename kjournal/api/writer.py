"""Writing a stream as fast as its reader reads, and no faster."""

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import Interface, implementer

from kjournal.api.request import APIRequest
from kjournal.encoding.negotiate import JSON

# A reader that takes nothing for so long is gone, or as good as gone: while its buffer is full
# Twisted does not read either, so that nobody else would notice.
STALL_S = 30.0
# What is longer is written in pieces, each with that time: a slow reader of a long event takes.
PIECE_BYTES = 256 * 1024


class ReaderStalled(Exception):
    """Whoever reads an answer has taken nothing of it for too long; nobody is there to be told."""


class IEventStream(Interface):
    """The way in which a watch sends its frames; what is made has sent its headers."""

    async def send(frames: Iterable[bytes]) -> None:  # noqa: N805 - an interface has no self
        """Send frames, and return when there is room for more.

        Raises: ReaderStalled if the reader takes nothing for too long.
        """

    async def finish(frames: Iterable[bytes]) -> None:  # noqa: N805 - an interface has no self
        """Send the last frames, and end the stream cleanly. Not after `send` has raised."""


@implementer(IPushProducer)
class StreamWriter:
    """Writes the body of one answer; each write waits until the transport has room again.

    `write` is how, if not by the request's own; `on_room` is called when there is room again.
    """

    def __init__(
        self,
        request: APIRequest,
        clock: IReactorTime,
        stall_s: float = STALL_S,
        *,
        write: Callable[[bytes], object] | None = None,
        on_room: Callable[[], object] = lambda: None,
    ) -> None:
        self._request, self._clock, self._stall_s = request, clock, stall_s
        # Looked up at each write: for HEAD Twisted puts another method in its place.
        self._write = write or (lambda data: request.write(data))
        self._on_room = on_room
        self._room: Deferred[None] | None = None
        self.paused = False
        self.between_pieces = False
        request.registerProducer(self, True)

    async def write(self, data: bytes) -> None:
        """Write, and return when there is room for more.

        Raises: ReaderStalled if the reader takes nothing for too long.
        """
        for end in range(PIECE_BYTES, len(data) + PIECE_BYTES, PIECE_BYTES):
            self._write(data[end - PIECE_BYTES : end])
            self.between_pieces = end < len(data)
            if self.paused:
                await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        self._room = Deferred()
        self._room.addTimeout(self._stall_s, self._clock)
        try:
            await self._room
        except TimeoutError as error:
            raise ReaderStalled("the reader takes nothing") from error

    def release(self) -> None:
        """Give the transport back. Not after a disconnect: there is none left then."""
        if not self._request.gone:
            self._request.unregisterProducer()

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self.paused = True

    def resumeProducing(self) -> None:
        """There is room again."""
        self.paused = False
        self._on_room()
        room, self._room = self._room, None
        if room is not None and not room.called:
            room.callback(None)

    def stopProducing(self) -> None:
        """The client left; the request's own notifyFinish cancels who waits."""


@implementer(IEventStream)
class EventLines:
    """A watch as the lines of one chunked answer."""

    def __init__(self, request: APIRequest, clock: IReactorTime) -> None:
        self._request = request
        request.setHeader("Content-Type", JSON)
        request.write(b"")  # status and headers now, events later
        self._writer = StreamWriter(request, clock)

    async def send(self, frames: Iterable[bytes]) -> None:
        """Write lines."""
        await self._writer.write(b"".join(frames))

    async def finish(self, frames: Iterable[bytes]) -> None:
        """Write the last lines and the last chunk."""
        if not self._request.gone:
            self._request.write(b"".join(frames))
            self._writer.release()
            self._request.finish()
