"""All URLs on one page.

Klein is tamed here: no redirects, no HTML, no method but GET. `gate.py` has admitted whoever gets
here, and has parsed the path.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from kjournal.api.documents import Documents
from kjournal.api.health import Health
from kjournal.api.list import get_object, list_objects
from kjournal.api.metrics import Metrics
from kjournal.api.options import parse_options
from kjournal.api.request import APIRequest
from kjournal.api.requestinfo import ROOT
from kjournal.api.resource import Resource
from kjournal.api.watch import watch_objects
from kjournal.api.writer import ReaderStalled
from kjournal.errors import APIError, KjournalError, MethodNotAllowed, NotFound, Timeout
from kjournal.query.token import begun_us

_PROBES = ("/healthz", "/livez", "/readyz")


@attrs.frozen(kw_only=True)
class Surface:
    """What is served: the kinds by their plural, health and metrics; the key of continue tokens."""

    resources: Mapping[str, Resource]
    token_key: bytes = attrs.field(repr=False)
    health: Health
    metrics: Metrics


class Routes:
    """The Klein application."""

    _log = Logger()

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        surface.metrics.show_tails(surface.resources)
        self.app = Klein()
        self.app.url_map.strict_slashes = False
        self.app.url_map.merge_slashes = False
        self._add_documents()
        self._add_resources()
        self.app.handle_errors(Exception)(self._failed)

    def _add_documents(self) -> None:
        kinds = [resource.kind for resource in self._surface.resources.values()]
        documents = Documents(kinds, self._now_s)
        for path, answer in documents.answers(beside=("/metrics", *_PROBES)).items():
            self._get(path, answer)
        self._get("/metrics", self._render_metrics)
        for path in _PROBES:
            self._get(path, self._surface.health.answer)
            self._get(
                f"{path}/<check>", lambda request, check: self._surface.health.answer(request)
            )

    def _add_resources(self) -> None:
        async def resource(request: APIRequest, **_: str) -> None:
            await self._serve(request)

        prefixes = (ROOT, f"{ROOT}/watch", f"{ROOT}/namespaces/<namespace>")
        for prefix in (*prefixes, f"{ROOT}/watch/namespaces/<namespace>"):
            self._get(f"{prefix}/<plural>", resource)
            self._get(f"{prefix}/<plural>/<name>", resource)

    def _get(self, path: str, answer: Callable[..., Any]) -> None:
        # Each spelling is a route: a redirect would become a 502 at the aggregator.
        # Klein names an endpoint by its function, so that two of one name would be one.
        self.app.route(path, methods=["GET"], endpoint=path)(answer)

    async def _serve(self, request: APIRequest) -> None:
        info = request.info
        resource = self._surface.resources.get(info.kind.plural) if info.kind else None
        if resource is None:
            raise NotFound("the server could not find the requested resource")
        now_us = resource.now_us()
        if info.verb == "list" and request.parameters.get("continue"):
            now_us = begun_us(request.parameters["continue"], self._surface.token_key)
        options = parse_options(info, request.parameters, now_us)
        if info.verb == "watch":
            await watch_objects(request, resource, options)
            return
        if info.verb == "get":
            work = get_object(request, resource, options)
        else:
            work = list_objects(request, resource, options, self._surface.token_key)
        within = Deferred.fromCoroutine(work)
        within.addTimeout(request.deadline_s, resource.clock)
        try:
            await within
        except ReaderStalled:
            resource.tail.figures.slow_closes += 1
            request.cut()
        except DeadlineError as error:
            request.metrics.terminated(504)
            raise Timeout(
                "the request did not complete within its deadline: ask for less, by a limit, a "
                "shorter time range or a selector"
            ) from error

    def _now_s(self) -> float:
        clocks = [resource.clock for resource in self._surface.resources.values()]
        return max((clock.seconds() for clock in clocks), default=0.0)

    def _render_metrics(self, request: APIRequest) -> None:
        request.send_body(
            self._surface.metrics.render(), 200, "text/plain; version=0.0.4; charset=utf-8"
        )

    def _failed(self, request: Any, failure: Failure) -> None:
        if failure.check(CancelledError):
            return
        if failure.check(WrongMethod):
            request.send_error(MethodNotAllowed("this path can only be read"))
            return
        if failure.check(HTTPException):
            request.send_error(NotFound("the server could not find the requested resource"))
            return
        report(self._log, request, failure)


def report(log: Logger, request: APIRequest, failure: Failure) -> APIError:
    """Answer with the Status of a failure; what is no KjournalError is a bug, and logged whole."""
    if not isinstance(failure.value, KjournalError):
        log.failure("request {audit_id} failed", failure, audit_id=request.audit_id)
    return request.send_error(failure.value or KjournalError())
