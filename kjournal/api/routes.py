"""All URLs on one page.

Klein is tamed here: no redirects, no HTML, no method but GET. `gate.py` has admitted whoever gets
here, and has parsed the path.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.logger import Logger
from twisted.python.failure import Failure
from werkzeug.exceptions import HTTPException

from kjournal.api.health import Health, metrics_of, version_document
from kjournal.api.list import get_object, list_objects
from kjournal.api.options import parse_options
from kjournal.api.request import APIRequest
from kjournal.api.requestinfo import ROOT
from kjournal.api.resource import Resource
from kjournal.api.watch import watch_objects
from kjournal.codec import dump_json
from kjournal.encoding import discovery, openapi
from kjournal.encoding.negotiate import JSON, aggregated_discovery_version
from kjournal.errors import APIError, KjournalError, NotFound, Timeout
from kjournal.kinds.model import GROUP
from kjournal.query.token import begun_us

# kube-apiserver cuts what is no watch after 60 s; the answer should be ours.
DEADLINE_S = 55.0
_OPENAPI_V3 = f"apis/{ROOT.removeprefix('/apis/')}"


@attrs.frozen(kw_only=True)
class Surface:
    """What is served: the kinds by their plural, the key of continue tokens, and health."""

    resources: Mapping[str, Resource]
    token_key: bytes = attrs.field(repr=False)
    health: Health


class Routes:
    """The Klein application, and the documents that it answers with."""

    _log = Logger()

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._kinds = [resource.kind for resource in surface.resources.values()]
        self._metrics = metrics_of(surface.resources)
        self._openapi_v2 = openapi.openapi_v2(self._kinds)
        self._openapi_v3 = openapi.openapi_v3(self._kinds)
        self.app = Klein()
        self.app.url_map.strict_slashes = False
        self.app.url_map.merge_slashes = False
        self._add_documents()
        self._add_resources()
        self.app.handle_errors(Exception)(self._failed)

    def _add_documents(self) -> None:
        documents: dict[str, Callable[[], object]] = {
            "/": lambda: {"paths": self._paths()},
            "/version": version_document,
            f"/apis/{GROUP}": discovery.api_group_document,
            ROOT: lambda: discovery.api_resource_list(self._kinds),
            "/openapi/v2": lambda: self._openapi_v2,
            "/openapi/v3": self._openapi_v3_index,
            f"/openapi/v3/{_OPENAPI_V3}": lambda: self._openapi_v3,
        }
        for path, document in documents.items():

            def answer(request: APIRequest, document: Callable[[], object] = document) -> None:
                request.send_json(document())

            self._get(path, answer)
        self._get("/apis", self._groups)
        self._get("/metrics", self._render_metrics)
        for path in ("/healthz", "/livez", "/readyz"):
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
        within.addTimeout(DEADLINE_S, resource.clock)
        try:
            await within
        except DeadlineError as error:
            raise Timeout(
                "the request did not complete within its deadline: ask for less, by a limit, a "
                "shorter time range or a selector"
            ) from error

    def _groups(self, request: APIRequest) -> None:
        version = aggregated_discovery_version(request.accept)
        request.setHeader("Vary", "Accept")
        if version is None:
            request.send_json(discovery.api_group_list())
            return
        body = dump_json(discovery.api_group_discovery_list(self._kinds, version))
        etag = f'"{hashlib.sha256(body).hexdigest().upper()}"'
        request.setHeader("ETag", etag)
        request.setHeader("Cache-Control", "public")
        if request.header("If-None-Match") == etag:
            request.setResponseCode(304)
            request.finish()
            return
        content_type = f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        request.send_body(body, 200, content_type)

    def _openapi_v3_index(self) -> object:
        digest = hashlib.sha256(dump_json(self._openapi_v3)).hexdigest().upper()
        url = f"/openapi/v3/{_OPENAPI_V3}?hash={digest}"
        return {"paths": {_OPENAPI_V3: {"serverRelativeURL": url}}}

    def _paths(self) -> list[str]:
        documents = ["/apis", f"/apis/{GROUP}", ROOT, "/healthz", "/livez", "/metrics"]
        return [*documents, "/openapi/v2", "/openapi/v3", "/readyz", "/version"]

    def _render_metrics(self, request: APIRequest) -> None:
        request.send_body(self._metrics(), 200, "text/plain; version=0.0.4; charset=utf-8")

    def _failed(self, request: Any, failure: Failure) -> None:
        if failure.check(CancelledError):
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
