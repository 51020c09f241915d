"""The bulk port as a site: every request passes the intake's door before a route sees it."""

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource, Resource
from twisted.web.server import Site

from kjournal.ingest.errors import Reason
from kjournal.ingest.intake import BulkRequest, Intake
from kjournal.ingest.routes import BulkRoutes, write_refusal
from kjournal.store.interfaces import IDocumentSink

_IDLE_S = 120.0


class _Door(Resource):
    """Answers what the intake refused, and leads everything else to the routes."""

    isLeaf = True

    def __init__(self, routes: IResource) -> None:
        super().__init__()
        self._routes = routes

    def render(self, request: BulkRequest) -> bytes | int:
        request.setHeader("x-elastic-product", "Elasticsearch")
        refusal = request.refusal or _refusal_of_path(request.postpath or ())
        if refusal is not None:
            return write_refusal(request, refusal)
        answer: bytes | int = self._routes.render(request)
        return answer


def _refusal_of_path(segments: Sequence[bytes]) -> Reason | None:
    """Return why a path is refused that Klein could not read, or None."""
    try:
        b"/".join(segments).decode()
    except UnicodeDecodeError:
        return Reason(400, "illegal_argument_exception", "the path is not UTF-8")
    return None


class BulkSite(Site):
    """A site whose requests share one intake."""

    def __init__(self, resource: IResource, intake: Intake, reactor: IReactorTime) -> None:
        super().__init__(resource, requestFactory=BulkRequest, timeout=_IDLE_S, reactor=reactor)
        self.intake = intake


def bulk_site(sink: IDocumentSink, *, api_key: str, reactor: IReactorTime) -> Site:
    """Return the site that takes the bulk protocol into `sink`; without a key anybody may write."""
    routes = BulkRoutes(sink, reactor).app.resource()
    return BulkSite(_Door(routes), Intake(api_key), reactor)
