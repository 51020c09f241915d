"""One HTTP request, with what the gate has found out about it."""

import uuid
from typing import Any

from twisted.web.server import Request

from kjournal.api.requestinfo import RequestInfo
from kjournal.codec import dump_json, dump_pretty_json
from kjournal.encoding.negotiate import JSON
from kjournal.encoding.status import api_error_of, status_of
from kjournal.errors import APIError

_BROWSERS = ("curl/", "Wget/", "Mozilla/5.0")
_MAX_AUDIT_ID_CHARS = 64
_MAX_WARNING_BYTES = 4096


class APIRequest(Request):
    """A request on its way through the rooms. The gate sets `info`, `parameters` and `identity`."""

    defaultContentType = JSON.encode()
    info: RequestInfo
    parameters: dict[str, str]
    identity: Any = None
    audit_id: str = ""
    _is_cut: bool = False

    def process(self) -> None:
        """Begin; a request has an id from here on."""
        given = self.getHeader("Audit-ID") or ""
        usable = given.isascii() and given.isprintable() and len(given) <= _MAX_AUDIT_ID_CHARS
        self.audit_id = given if given and usable else str(uuid.uuid4())
        self.setHeader("Audit-Id", self.audit_id)
        self.setHeader("Cache-Control", "no-cache, private")
        super().process()

    @property
    def accept(self) -> str:
        """All Accept headers as one."""
        return ",".join(self.requestHeaders.getRawHeaders("Accept", []))

    @property
    def pretty(self) -> bool:
        """True where a person reads the answer: asked for, or a browser's or curl's by default."""
        asked = self.parameters.get("pretty")
        if asked is not None:
            return asked.lower() in ("1", "t", "true", "")
        return (self.getHeader("User-Agent") or "").startswith(_BROWSERS)

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
        self.send_json(status_of(shown), shown.code)
        return shown

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
