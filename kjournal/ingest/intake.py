"""What may come in: who may write, how large a body may be, and how much may wait in memory."""

from io import BytesIO
from typing import Any

from kjournal.ingest.credentials import is_authorized
from kjournal.ingest.errors import OVERLOADED, Reason, too_large
from kjournal.request import TolerantRequest

MAX_BODY_BYTES = 100 << 20
"""As Elasticsearch's http.max_content_length."""

MAX_WAITING_BYTES = 256 << 20


class Intake:
    """Counts the bytes of all bodies in memory, and refuses what would exceed the limits."""

    def __init__(
        self,
        api_key: str,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._api_key = api_key
        self._max_waiting_bytes = max_waiting_bytes
        self.max_body_bytes = max_body_bytes
        self.waiting_bytes = 0

    def refusal_of_headers(
        self, authorization: str, length: int | None, from_page: bool
    ) -> Reason | None:
        """Return why a request is refused before its body is read, or None.

        No shipper is a page in a browser, which could write here without a key.
        """
        if from_page:
            return Reason(403, "security_exception", "requests from web pages are refused")
        if not is_authorized(authorization, self._api_key):
            return Reason(
                401,
                "security_exception",
                "missing or wrong authentication credentials",
            )
        return self._refusal_of_bytes(0, length or 0)

    def take(self, held_bytes: int, more_bytes: int) -> Reason | None:
        """Count more of a body of which some is held; return why it is refused, or None."""
        refusal = self._refusal_of_bytes(held_bytes, more_bytes)
        if refusal is None:
            self.waiting_bytes += more_bytes
        return refusal

    def give_back(self, held_bytes: int) -> None:
        """Count a body that is no longer held."""
        self.waiting_bytes -= held_bytes

    def _refusal_of_bytes(self, held_bytes: int, more_bytes: int) -> Reason | None:
        if held_bytes + more_bytes > self.max_body_bytes:
            return too_large(f"{self.max_body_bytes} bytes")
        if self.waiting_bytes + more_bytes > self._max_waiting_bytes:
            return OVERLOADED
        return None


class BulkRequest(TolerantRequest):
    """A request whose body is kept in memory within the intake's limits, and else dropped.

    A refused body is read to its end without being kept, so that the client sees the answer.
    """

    refusal: Reason | None = None
    _held_bytes = 0
    _intake: Intake
    _body: BytesIO

    def gotLength(self, length: int | None) -> None:
        """Decide by the headers alone, before a byte of the body is kept."""
        self.content = self._body = BytesIO()
        # Without a type, Twisted does not take curl's default for a form to be parsed.
        self.requestHeaders.removeHeader(b"content-type")
        authorization = self.header("authorization")
        from_page = self.requestHeaders.hasHeader("origin")
        self.notifyFinish().addBoth(self._give_back)
        site: Any = self.channel.site  # type: ignore[attr-defined]  # HTTPFactory sets it
        self._intake = site.intake
        self.refusal = self._intake.refusal_of_headers(authorization, length, from_page)

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a piece of the body, or drop all of it."""
        if self.refusal is None:
            self.refusal = self.hold(len(data))
            if self.refusal is None:
                self._body.write(data)
            else:
                self.content = self._body = BytesIO()
                self._give_back(None)

    def body(self) -> bytes:
        """Return the body as it came."""
        return self._body.getvalue()

    def hold(self, more_bytes: int) -> Reason | None:
        """Count more bytes until the request ends; return why that is refused, or None."""
        refusal = self._intake.take(self._held_bytes, more_bytes)
        if refusal is None:
            self._held_bytes += more_bytes
        return refusal

    def _give_back(self, _: Any) -> None:
        self._intake.give_back(self._held_bytes)
        self._held_bytes = 0
