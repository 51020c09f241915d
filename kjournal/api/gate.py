"""The door: every request passes here, before anything looks at what it is about.

Parse, authenticate, authorize, and only then route: a forgotten decorator cannot open anything.
"""

from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET

from kjournal.api.audit import AuditLog
from kjournal.api.metrics import Metrics
from kjournal.api.options import deadline_s, parse_parameters, truthy
from kjournal.api.request import APIRequest
from kjournal.api.requestinfo import parse_request_info
from kjournal.api.routes import report
from kjournal.api.traffic import Traffic
from kjournal.errors import Forbidden, MethodNotAllowed, TooManyRequests
from kjournal.kinds.model import GROUP, Kind

# kube-apiserver cuts what is no watch after 60 s; the answer should be ours.
DEADLINE_S = 55.0


class Guard(Protocol):
    """Says who asks, and whether they may."""

    async def authenticate(self, request: APIRequest) -> None:
        """Set the request's identity. Raises: APIError if nobody vouches for it."""

    async def authorize(self, request: APIRequest) -> None:
        """Return if the request may pass. Raises: APIError if not."""


class Gate(Resource):
    """The root resource of a port; it renders `routes` for whom `guard` lets pass."""

    isLeaf = True
    _log = Logger()

    def __init__(
        self,
        routes: IResource,
        guard: Guard,
        traffic: Traffic,
        metrics: Metrics,
        audit: AuditLog | None = None,
    ) -> None:
        super().__init__()
        self._audit = audit
        self._routes, self._guard = routes, guard
        self._traffic, self._metrics = traffic, metrics

    def render(self, request: APIRequest) -> int:
        """Admit and route, in a coroutine that ends when the client leaves."""
        if self._audit is not None:
            self._audit.begin(request)
        admitted = Deferred.fromCoroutine(self._admit(request))
        request.notifyFinish().addErrback(lambda _: admitted.cancel())
        admitted.addErrback(self._failed, request)
        return NOT_DONE_YET

    async def _admit(self, request: APIRequest) -> None:
        request.parameters = {}
        path, _, query = request.uri.partition(b"?")
        request.parameters = parse_parameters(query)
        method = request.method.decode("ascii", "replace")
        request.info = parse_request_info(method, path, truthy(request.parameters, "watch"))
        self._traffic.admit(request)
        if request.info.verb != "watch":
            request.deadline_s = deadline_s(request.parameters, DEADLINE_S)
        await self._guard.authenticate(request)
        request.metrics = self._metrics.begin(request)
        try:
            self._traffic.count(request)
        except TooManyRequests as error:
            request.metrics.terminated(error.code)
            raise
        await self._decide(request)
        head_of_stream = method == "HEAD" and request.info.verb == "watch"
        if request.info.kind and (method not in ("GET", "HEAD") or head_of_stream):
            raise _read_only(request.info.kind)
        if self._audit is not None:
            self._audit.let_in(request)
        request.render(self._routes)

    async def _decide(self, request: APIRequest) -> None:
        try:
            await self._guard.authorize(request)
        except Forbidden:
            request.decision = "forbid"
            raise
        request.decision = "allow"

    def _failed(self, failure: Failure, request: APIRequest) -> None:
        if not failure.check(CancelledError):
            report(self._log, request, failure)


def _read_only(kind: Kind) -> MethodNotAllowed:
    return MethodNotAllowed(
        f"the server does not allow this method on the requested resource: {kind.plural}.{GROUP} "
        "can only be read",
        group=GROUP,
        kind=kind.plural,
    )
