"""The body of one answer: whole with its length while it is short, streamed when it is long.

Source: apiserver pkg/endpoints/handlers/responsewriters/writers.go, deferredResponseWriter
"""

import zlib

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kjournal.api.request import PACKED_OVER_BYTES, APIRequest
from kjournal.api.writer import StreamWriter

_PACKED_AT_ONCE_BYTES = 1 << 20
_GZIP_WINDOW = 31
"""zlib's way to say: the largest window, with the header and the sum of gzip."""


class Body:
    """Takes the pieces of a body as they are made, and sends them as fast as they are read.

    Until PACKED_OVER_BYTES are there nothing is sent, so that what fails so early is a Status.
    """

    def __init__(self, request: APIRequest, clock: IReactorTime, content_type: str) -> None:
        self._request, self._clock, self._content_type = request, clock, content_type
        self._pieces: list[bytes] = []
        self._held_bytes = 0
        self._writer: StreamWriter | None = None
        self._packer: zlib._Compress | None = None

    async def write(self, piece: bytes) -> None:
        """Take a piece; return when more would find room.

        Raises: ReaderStalled if the reader takes nothing for too long.
        """
        if self._writer is None:
            self._pieces.append(piece)
            self._held_bytes += len(piece)
            if self._held_bytes <= PACKED_OVER_BYTES:
                return
            self._writer = self._begin()
            piece = b"".join(self._pieces)
            self._pieces.clear()
        for at in range(0, len(piece), _PACKED_AT_ONCE_BYTES):
            part = piece[at : at + _PACKED_AT_ONCE_BYTES]
            packed = self._packer.compress(part) if self._packer is not None else part
            if packed:
                await self._writer.write(packed)
            if at:
                await deferLater(self._clock, 0)

    async def end(self) -> None:
        """Send what is left, and finish the answer."""
        if self._writer is None:
            self._request.send_body(b"".join(self._pieces), 200, self._content_type)
            return
        if self._packer is not None:
            await self._writer.write(self._packer.flush())
        self._writer.release()
        self._request.finish()

    def _begin(self) -> StreamWriter:
        self._request.setHeader("Content-Type", self._content_type)
        self._request.setHeader("X-Content-Type-Options", "nosniff")
        if self._request.takes_gzip:
            self._request.promise_gzip()
            self._packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW)
        return StreamWriter(self._request, self._clock)
