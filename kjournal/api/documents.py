"""Documents that are made once: discovery, OpenAPI, the version, the index of paths.

They ask no store: while one is down, kube-apiserver must go on knowing what is served here.
Source: kubernetes.io/docs/concepts/overview/kubernetes-api, and for headers and statuses
kube-openapi pkg/handler and pkg/handler3, apiserver pkg/endpoints/discovery/aggregated.
"""

import hashlib
import platform
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version

import attrs
from twisted.web.http import datetimeToString

from kjournal.api.request import APIRequest
from kjournal.api.requestinfo import ROOT
from kjournal.codec import dump_json
from kjournal.encoding import discovery, openapi
from kjournal.encoding.negotiate import JSON, accepts_json, aggregated_discovery_version
from kjournal.errors import NotAcceptable
from kjournal.kinds.model import GROUP, Kind, Object

Answer = Callable[[APIRequest], None]
_OPENAPI_V3 = ROOT.removeprefix("/")
_YEAR_S = 365 * 86_400


def version_document() -> Object:
    """Return what /version answers.

    Source: apimachinery pkg/version/types.go.
    """
    release = version("kjournal")
    major, minor, *_ = [*release.split("."), "0"]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{release}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


@attrs.frozen
class Tagged:
    """A document with the ETag by which a client asks whether it has changed."""

    document: Object
    digest: str

    @classmethod
    def of(cls, document: Object) -> "Tagged":
        """Return a document with its tag."""
        return cls(document, hashlib.sha256(dump_json(document)).hexdigest().upper())

    def answer(self, request: APIRequest, content_type: str = JSON) -> None:
        """Answer with the document, or with 304 and nothing if the client has this very one."""
        etag = f'"{self.digest}"'
        request.setHeader("ETag", etag)
        request.setHeader("Vary", "Accept")
        if request.header("If-None-Match") == etag:
            request.setResponseCode(304)
            request.finish()
            return
        request.send_json(self.document, content_type=content_type)


class Documents:
    """What is answered with documents; `now_s` tells the seconds since the epoch."""

    def __init__(self, kinds: Iterable[Kind], now_s: Callable[[], float]) -> None:
        kinds = list(kinds)
        self._now_s = now_s
        self._openapi_v2 = Tagged.of(openapi.openapi_v2(kinds))
        self._openapi_v3 = Tagged.of(openapi.openapi_v3(kinds))
        self._aggregated = {
            version: Tagged.of(discovery.api_group_discovery_list(kinds, version))
            for version in ("v2", "v2beta1")
        }
        self._resources = discovery.api_resource_list(kinds)

    def answers(self, beside: Sequence[str]) -> dict[str, Answer]:
        """Return what answers each path; `beside` are further paths for the index at `/`."""
        # No other key: kube-apiserver merges the index into its own, and what stands here under
        # `version` or `apis` would take the place of the cluster's own.
        url = f"/openapi/v3/{_OPENAPI_V3}?hash={self._openapi_v3.digest}"
        index = Tagged.of({"paths": {_OPENAPI_V3: {"serverRelativeURL": url}}})
        found: dict[str, Answer] = {
            "/apis": self._groups,
            f"/apis/{GROUP}": _plain(discovery.api_group_document()),
            ROOT: _plain(self._resources),
            "/openapi/v2": _openapi(self._openapi_v2.answer),
            "/openapi/v3": _openapi(index.answer),
            f"/openapi/v3/{_OPENAPI_V3}": _openapi(self._group_version),
            "/version": _plain(version_document()),
        }
        paths = sorted([*found, *beside])
        return {"/": _plain({"paths": paths}), **found}

    def _groups(self, request: APIRequest) -> None:
        request.setHeader("Vary", "Accept")
        version = aggregated_discovery_version(request.accept)
        if version is None:
            request.send_json(discovery.api_group_list())
            return
        request.setHeader("Cache-Control", "public")
        content_type = f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        self._aggregated[version].answer(request, content_type)

    def _group_version(self, request: APIRequest) -> None:
        # One hash is one document for ever. Of another hash there may be one tomorrow: it gets
        # today's, as Go's redirect would become a 502 at kube-apiserver.
        if request.parameters.get("hash") == self._openapi_v3.digest:
            request.setHeader("Cache-Control", "public, immutable")
            request.setHeader("Expires", datetimeToString(self._now_s() + _YEAR_S))
        self._openapi_v3.answer(request)


def _plain(document: Object) -> Answer:
    def answer(request: APIRequest) -> None:
        if not accepts_json(request.accept):
            raise NotAcceptable(f"only {JSON} is served")
        request.send_json(document)

    return answer


def _openapi(answer: Answer) -> Answer:
    """Return what answers with 406 and nothing to whom JSON will not do, as old kubectl expects."""

    def negotiated(request: APIRequest) -> None:
        if accepts_json(request.accept):
            answer(request)
            return
        request.setHeader("Vary", "Accept")
        request.send_body(b"", 406, "text/plain; charset=utf-8")

    return negotiated
