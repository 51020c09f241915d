"""All calls of the bulk port: those that write, and those that shippers make before they do."""

from typing import Any

from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException

from kjournal.codec import dump_json, dump_pretty_json
from kjournal.errors import StoreError
from kjournal.ingest import greetings
from kjournal.ingest.body import unpacked
from kjournal.ingest.bulk import NO_OBJECT, conflict, document_of, written_body
from kjournal.ingest.credentials import CHALLENGES
from kjournal.ingest.errors import INTERNAL, BulkError, Reason, error_body, reason_of
from kjournal.ingest.filter_path import filtered
from kjournal.ingest.intake import MAX_BODY_BYTES, BulkRequest
from kjournal.ingest.names import refusal_of_id, refusal_of_index
from kjournal.ingest.writing import BulkWriter
from kjournal.store.interfaces import IDocumentSink, NewDocument

_WRITE = ["POST", "PUT"]
_READ = ["GET", "HEAD"]
_SETTINGS = "any(_index_template,_component_template,_template,_data_stream)"
_FILTER_ITEMS = 500


class BulkRoutes:
    """The bulk protocol over a sink."""

    app = Klein()
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    _log = Logger()

    def __init__(self, sink: IDocumentSink, clock: IReactorTime) -> None:
        self._sink = sink
        self._clock = clock
        self._writer = BulkWriter(sink, clock)
        self._settings = greetings.Settings()

    # Writing

    @app.route("/_bulk", methods=_WRITE)
    @app.route("/_bulk/", methods=_WRITE)
    async def bulk(self, request: BulkRequest) -> bytes:
        """Write many documents; each action names its index."""
        return await self._bulk(request, "")

    @app.route("/<index>/_bulk", methods=_WRITE)
    @app.route("/<index>/_bulk/", methods=_WRITE)
    @app.route("/<index>/_doc/_bulk", methods=_WRITE)
    async def bulk_into(self, request: BulkRequest, index: str) -> bytes:
        """Write many documents, into this index where an action names none."""
        return await self._bulk(request, index)

    @app.route("/<index>/_doc", methods=["POST"])
    @app.route("/<index>/_doc/", methods=["POST"])
    async def add(self, request: BulkRequest, index: str) -> bytes:
        """Write one document under an id of its own."""
        return await self._document(request, index, None, create=True)

    @app.route("/<index>/_doc/<path:id>", methods=_WRITE)
    async def put(self, request: BulkRequest, index: str, id: str) -> bytes:
        """Write one document, in place of an earlier one with its id."""
        create = _argument(request, "op_type") == "create"
        return await self._document(request, index, id, create=create)

    @app.route("/<index>/_create/<path:id>", methods=_WRITE)
    async def create(self, request: BulkRequest, index: str, id: str) -> bytes:
        """Write one document unless there is one with its id."""
        return await self._document(request, index, id, create=True)

    # What shippers ask first

    @app.route("/", methods=_READ)
    def identity(self, request: BulkRequest) -> bytes:
        """Say who answers: all clients check version and product."""
        return _answer(request, 200, greetings.IDENTITY)

    @app.route("/_license", methods=_READ)
    def license(self, request: BulkRequest) -> bytes:
        """Say which licence there is: filebeat asks."""
        return _answer(request, 200, greetings.LICENSE)

    @app.route("/_xpack", methods=_READ)
    def xpack(self, request: BulkRequest) -> bytes:
        """Say which features there are: logstash and older filebeats ask."""
        return _answer(request, 200, greetings.XPACK)

    @app.route("/_cluster/health", methods=_READ)
    @app.route("/_cluster/health/<index>", methods=_READ)
    async def health(self, request: BulkRequest, index: str = "") -> bytes:
        """Say that all is well."""
        return _answer(request, 200, greetings.HEALTH)

    @app.route("/_cat/health", methods=_READ)
    def cat_health(self, request: BulkRequest) -> bytes:
        """Say that all is well, to rsyslog's omelasticsearch."""
        request.setHeader("content-type", "text/plain; charset=UTF-8")
        return greetings.CAT_HEALTH

    @app.route(f"/<{_SETTINGS}:kind>/<name>", methods=_READ)
    def setting(self, request: BulkRequest, kind: str, name: str) -> bytes:
        """Say whether a template or the like was put."""
        return self._found(request, kind, name)

    @app.route(f"/<{_SETTINGS}:kind>/<name>", methods=_WRITE)
    def put_setting(self, request: BulkRequest, kind: str, name: str) -> bytes:
        """Take a template or the like, and remember its name alone."""
        return self._put(request, kind, name)

    @app.route("/<any(_ilm,_ingest):area>/<any(policy,pipeline):kind>/<name>", methods=_READ)
    def policy(self, request: BulkRequest, area: str, kind: str, name: str) -> bytes:
        """Say whether a policy or pipeline was put."""
        return self._found(request, f"{area}/{kind}", name)

    @app.route("/<any(_ilm,_ingest):area>/<any(policy,pipeline):kind>/<name>", methods=_WRITE)
    def put_policy(self, request: BulkRequest, area: str, kind: str, name: str) -> bytes:
        """Take a policy or pipeline, and remember its name alone."""
        return self._put(request, f"{area}/{kind}", name)

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        """Answer a request that is refused as a whole; a fault of ours is logged."""
        reason = _reason_of(failure)
        if reason is INTERNAL:
            self._log.failure("answering a bulk request", failure)
        return write_refusal(request, reason)

    async def _bulk(self, request: BulkRequest, index: str) -> bytes:
        begin_s = self._clock.seconds()
        items = await self._writer.write(await self._plain_body(request), index)
        took_ms = int((self._clock.seconds() - begin_s) * 1000)
        errors = any("error" in result for item in items for result in item.values())
        head = {"took": took_ms, "errors": errors}
        filter_path = _argument(request, "filter_path")
        if filter_path:
            kept: list[Any] = []
            for at in range(0, len(items), _FILTER_ITEMS):
                part = filtered({"items": items[at : at + _FILTER_ITEMS]}, filter_path)
                kept += part.get("items", [])
                await deferLater(self._clock, 0)
            head = filtered(head, filter_path)
            items = kept
        body = {**head, "items": items} if items or not filter_path else head
        return _written(request, 200, body)

    async def _document(
        self, request: BulkRequest, index: str, id: str | None, *, create: bool
    ) -> bytes:
        refusal = refusal_of_index(index) or refusal_of_id(id)
        if refusal is not None:
            raise BulkError(refusal)
        document = document_of(await self._plain_body(request))
        if document is None:
            raise BulkError(NO_OBJECT)
        new = NewDocument(index=index, document=document, id=id, create=create)
        (written,) = await self._sink.write([new])
        if written.status == 409:
            raise BulkError(conflict(written))
        return _answer(request, written.status, written_body(written))

    async def _plain_body(self, request: BulkRequest) -> bytes:
        encoding = request.header("content-encoding")
        body = request.body()
        if not encoding:
            return body
        pieces = []
        for piece in unpacked(body, encoding, MAX_BODY_BYTES):
            refusal = request.hold(len(piece))
            if refusal is not None:
                raise BulkError(refusal)
            pieces.append(piece)
            await deferLater(self._clock, 0)
        return b"".join(pieces)

    def _found(self, request: BulkRequest, kind: str, name: str) -> bytes:
        body = self._settings.found(kind, name)
        if body is None:
            raise BulkError(Reason(404, "resource_not_found_exception", f"{kind} is missing"))
        return _answer(request, 200, body)

    def _put(self, request: BulkRequest, kind: str, name: str) -> bytes:
        self._settings.put(kind, name)
        return _answer(request, 200, greetings.ACKNOWLEDGED)


def _reason_of(failure: Failure) -> Reason:
    error = failure.value
    if isinstance(error, BulkError):
        return error.reason
    if isinstance(error, StoreError):
        return reason_of(error)
    if isinstance(error, HTTPException):  # what Klein raises where no route matches
        return Reason(400, "illegal_argument_exception", "no handler found for this call")
    return INTERNAL


def write_refusal(request: IRequest, reason: Reason) -> bytes:
    """Return the body of a refusal, having set status and headers."""
    if reason.status == 401:
        request.responseHeaders.setRawHeaders("www-authenticate", list(CHALLENGES))
    return _written(request, reason.status, error_body(reason))


def _answer(request: IRequest, status: int, body: Any) -> bytes:
    filter_path = _argument(request, "filter_path")
    return _written(request, status, filtered(body, filter_path) if filter_path else body)


def _written(request: IRequest, status: int, body: Any) -> bytes:
    request.setResponseCode(status)
    request.setHeader("content-type", "application/json")
    # Twisted leaves arguments without a `=` out of `args`.
    asked = request.uri.partition(b"?")[2].split(b"&")
    pretty = b"pretty" in asked or b"pretty=true" in asked
    text = dump_pretty_json(body) if pretty else dump_json(body)
    request.setHeader("content-length", str(len(text)))
    return text


def _argument(request: IRequest, name: str) -> str:
    values: list[bytes] = request.args.get(name.encode(), [b""])
    return values[-1].decode("utf-8", "replace")
