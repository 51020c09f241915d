"""One HTTP request, with what the gate has found out about it."""

import gzip
import uuid
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

from kjournal.api.requestinfo import RequestInfo
from kjournal.codec import dump_json, dump_pretty_json
from kjournal.encoding.bodies import encode
from kjournal.encoding.negotiate import JSON, representation_of
from kjournal.encoding.status import api_error_of, status_of
from kjournal.errors import APIError, BadRequest, NotAcceptable, RequestEntityTooLarge
from kjournal.request import TolerantRequest

if TYPE_CHECKING:
    from kjournal.api.metrics import RequestMetrics

_BROWSERS = ("curl", "Wget", "Mozilla/5.0")
_MAX_AUDIT_ID_CHARS = 64
_MAX_WARNING_BYTES = 4096
MAX_BODY_BYTES = 1 << 20
"""A body is dropped, as nothing here needs one; of a longer one not even the end is waited for."""
CLOSING_S = 15.0
PACKED_OVER_BYTES = 128 * 1024
"""Shorter bodies are sent as they are, to whoever takes gzip, too."""
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
"""What Go's strconv.ParseBool takes for true."""


class APIRequest(TolerantRequest):
    """A request on its way through the rooms.

    The gate sets `info`, `parameters`, `identity`, `metrics` and `deadline_s`, and for `decision`
    whether the identity may: `allow` or `forbid`.
    """

    defaultContentType = JSON.encode()
    info: RequestInfo
    parameters: dict[str, str]
    identity: Any = None
    metrics: "RequestMetrics"
    deadline_s: float
    audit_id: str = ""
    decision: str = ""
    _is_cut: bool = False
    _body_bytes: int = 0
    _is_refused: bool = False

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that is announced as too long; this comes before anybody is authenticated.

        Twisted would keep any body, on the disk if it is long, and parse it if it is a form.
        """
        self.content = BytesIO()
        if length is not None and length > MAX_BODY_BYTES:
            self._refuse_body()

    def handleContentChunk(self, data: bytes) -> None:
        """Drop a piece of the body, and refuse one that grows too long."""
        self._body_bytes += len(data)
        if self._body_bytes > MAX_BODY_BYTES and not self._is_refused:
            self._refuse_body()

    def _refuse_body(self) -> None:
        """Answer with a Status and close, without waiting for the body's end."""
        self._is_refused = True
        # Else Twisted asks for the body, after the answer.
        self.requestHeaders.removeHeader(b"Expect")
        error = RequestEntityTooLarge(f"the request's body is longer than {MAX_BODY_BYTES} bytes")
        body = dump_json(status_of(error))
        channel: Any = self.channel
        # Not by `write`: the request is whole only after its body, and so knows no method yet.
        channel.transport.write(
            b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )
        channel.loseConnection()
        # A client need not take part in the end of TLS.
        aborting = channel.callLater(CLOSING_S, channel.transport.abortConnection)
        self.notifyFinish().addErrback(lambda _: aborting.active() and aborting.cancel())

    def process(self) -> None:
        """Begin, unless it is over; a request has an id from here on."""
        if self._is_refused:
            return
        given = self.header("Audit-ID")
        usable = given.isascii() and given.isprintable() and len(given) <= _MAX_AUDIT_ID_CHARS
        self.audit_id = given if given and usable else str(uuid.uuid4())
        self.setHeader("Audit-Id", self.audit_id)
        self.setHeader("Cache-Control", "no-cache, private")
        if self.uri == b"*":
            # Twisted would answer it by itself, past the gate.
            self.send_error(BadRequest("the request names no path"))
            return
        super().process()

    @property
    def accept(self) -> str:
        """All Accept headers as one."""
        return self.header("Accept")

    @property
    def pretty(self) -> bool:
        """True where a person reads the answer: asked for, or a browser's or curl's by default.

        Source: apiserver pkg/endpoints/handlers/negotiation/negotiate.go, isPrettyPrint
        """
        asked = self.parameters.get("pretty")
        if asked:
            return asked in _TRUE
        return self.header("User-Agent").startswith(_BROWSERS)

    @property
    def takes_gzip(self) -> bool:
        """True where a long answer may be packed: the client says so, without a quality.

        Source: apiserver pkg/endpoints/handlers/responsewriters/writers.go
        """
        encodings = self.header("Accept-Encoding").split(",")
        return self.method == b"GET" and any(one.strip() == "gzip" for one in encodings)

    def promise_gzip(self) -> None:
        """Say that the body is packed."""
        self.setHeader("Content-Encoding", "gzip")
        self.responseHeaders.addRawHeader(b"Vary", b"Accept-Encoding")

    def warn(self, warnings: tuple[str, ...]) -> None:
        """Add Warning headers, of 4 KiB in all at most (RFC 7234 section 5.5)."""
        left = _MAX_WARNING_BYTES
        for warning in dict.fromkeys(warnings):
            text = "".join(char if char.isprintable() else " " for char in warning)
            value = '299 - "{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"')).encode()
            left -= len(value)
            if left > 0:
                self.responseHeaders.addRawHeader(b"Warning", value)

    def send_json(self, document: object, code: int = 200, content_type: str = JSON) -> None:
        """Answer with one document, and finish."""
        body = dump_pretty_json(document) if self.pretty else dump_json(document)
        self.send_body(body, code, content_type)

    def send_body(self, body: bytes, code: int, content_type: str) -> None:
        """Answer with bytes, and finish."""
        if len(body) > PACKED_OVER_BYTES and self.takes_gzip:
            self.promise_gzip()
            body = gzip.compress(body, 1)
        self.setResponseCode(code)
        self.setHeader("Content-Type", content_type)
        self.setHeader("X-Content-Type-Options", "nosniff")
        self.setHeader("Content-Length", str(len(body)))
        if self.method != b"HEAD":
            self.write(body)
        self.finish()

    def send_error(self, error: BaseException) -> APIError:
        """Answer with the Status of an exception; after the first byte, cut the connection instead.

        A list that ends early must not look like a whole one.
        """
        shown = api_error_of(error, self.audit_id)
        if self.gone:
            return shown
        if self.startedWriting:
            self.cut()
            return shown
        for name in ("Content-Length", "Content-Encoding", "ETag"):
            self.responseHeaders.removeHeader(name)
        if shown.retry_after_s:
            self.setHeader("Retry-After", str(shown.retry_after_s))
        if shown.code == 405:
            self.setHeader("Allow", "GET")
        if not hasattr(self, "parameters"):
            self.parameters = {}
        self._send_status(shown)
        return shown

    def _send_status(self, shown: APIError) -> None:
        """Answer with a Status in the form that is accepted, as Go's ErrorNegotiated does.

        What is no resource is served as JSON only, and so are its errors.
        """
        media = JSON
        info = getattr(self, "info", None)
        if info is not None and info.kind is not None:
            with suppress(NotAcceptable):
                media = representation_of(self.accept, "get").media
        self.send_body(encode(status_of(shown), media, pretty=self.pretty), shown.code, media)

    @property
    def gone(self) -> bool:
        """True once the client has left, or the answer is complete."""
        return bool(self._disconnected or self.finished)

    def cut(self) -> None:
        """End the connection so that the client sees a broken answer."""
        if self.gone or self._is_cut:
            return
        self._is_cut = True
        if self.producer is not None:
            self.unregisterProducer()
        transport: Any = self.channel.transport
        transport.abortConnection()

    def finish(self) -> None:
        """End the answer; one that was cut has no end.

        Klein ends a request after an answer that it did not route, which is ended already.
        """
        if not self._is_cut and not self.gone:
            super().finish()
