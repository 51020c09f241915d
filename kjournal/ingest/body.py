"""A request's body, unpacked in steps that are short for the reactor and bounded in memory."""

import zlib
from collections.abc import Iterator

from kjournal.ingest.errors import BulkError, Reason, too_large

STEP_BYTES = 1 << 20
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def unpacked(body: bytes, encoding: str, max_bytes: int) -> Iterator[bytes]:
    """Yield pieces of the plain body, each of at most STEP_BYTES.

    Raises: BulkError for an unknown encoding, for what is not so encoded, and for more than
    `max_bytes` of plain body.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield body
        return
    if encoding not in _WINDOW_BITS:
        raise BulkError(
            Reason(415, "illegal_argument_exception", "unsupported Content-Encoding; use gzip")
        )
    total = 0
    try:
        for piece in _pieces(body, _WINDOW_BITS[encoding]):
            total += len(piece)
            if total > max_bytes:
                raise BulkError(too_large(f"{max_bytes} bytes"))
            yield piece
    except zlib.error:
        raise BulkError(_damaged("corrupt")) from None


def _pieces(body: bytes, window_bits: int) -> Iterator[bytes]:
    while body:  # gzip may have several members
        unpacker = zlib.decompressobj(window_bits)
        while not unpacker.eof:
            piece = unpacker.decompress(body, STEP_BYTES)
            body = unpacker.unconsumed_tail
            if not piece and not body and not unpacker.eof:
                raise BulkError(_damaged("cut short"))
            yield piece
        body = unpacker.unused_data


def _damaged(how: str) -> Reason:
    return Reason(400, "parse_exception", f"the compressed body is {how}")
