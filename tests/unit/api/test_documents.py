"""What is made once: discovery, OpenAPI, the version and the index."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from kjournal.api.options import deadline_s, parse_options
from kjournal.api.requestinfo import parse_request_info
from kjournal.errors import APIError
from tests.unit.api.serving import BEGIN_S, ROOT, Server

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
V2BETA1 = V2.replace("=v2", "=v2beta1")
PROTOBUF = "application/vnd.kubernetes.protobuf"
OLD_KUBECTL = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
OPENAPI = ["/openapi/v2", "/openapi/v3", f"/openapi/v3{ROOT}"]
PLAIN = ["/", "/version", "/apis/core.kjournal", ROOT]


def hashed(api: Server) -> str:
    """Return the URL of the group version's document, as the index has it."""
    url: str = api.call("/openapi/v3").json["paths"][ROOT[1:]]["serverRelativeURL"]
    return url


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", [*OPENAPI, *PLAIN[1:], "/apis"])
def test_served(api: Server, path: str, slash: str) -> None:
    """Each is JSON, and the same, with and without a slash at its end."""
    found = api.call(path + slash)
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    assert "location" not in found.headers
    assert found.body == api.call(path).body


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("accept", [V2, V2BETA1])
def test_aggregated(api: Server, accept: str, slash: str) -> None:
    """Aggregated discovery says what it is in its type, may be kept, and has a quoted tag."""
    found = api.call(f"/apis{slash}", Accept=accept)
    assert found.headers["content-type"] == accept
    assert found.headers["vary"] == "Accept"
    assert found.headers["cache-control"] == "public"
    etag = found.headers["etag"]
    assert etag == '"' + etag.strip('"') + '"'
    again = api.call(f"/apis{slash}", Accept=accept, If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    assert "content-type" not in again.headers
    assert again.headers["cache-control"] == "public"


def test_tags_differ(api: Server) -> None:
    """Each version has a tag of its own, the legacy list none: it is never 304."""
    tags = [api.call("/apis", Accept=accept).headers["etag"] for accept in (V2, V2BETA1)]
    assert len(set(tags)) == 2
    legacy = api.call("/apis", If_None_Match=tags[0])
    assert legacy.status == 200
    assert legacy.json["kind"] == "APIGroupList"
    assert legacy.headers["vary"] == "Accept"
    assert "etag" not in legacy.headers
    assert legacy.headers["cache-control"] == "no-cache, private"


@pytest.mark.parametrize("path", OPENAPI)
def test_openapi_tag(api: Server, path: str) -> None:
    """An OpenAPI document is 304 for its very own quoted tag alone, and then empty."""
    found = api.call(path)
    etag = found.headers["etag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert found.headers["vary"] == "Accept"
    again = api.call(path, If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == etag
    for other in (etag.strip('"'), f"W/{etag}", "*", '""'):
        assert api.call(path, If_None_Match=other).status == 200


@pytest.mark.parametrize("accept", [PROTOBUF, OLD_KUBECTL, "text/html", "application/json;q=0"])
@pytest.mark.parametrize("path", OPENAPI)
def test_openapi_not_acceptable(api: Server, path: str, accept: str) -> None:
    """Who takes no JSON is told 406 with nothing in it: old kubectl then does without."""
    found = api.call(path, Accept=accept)
    assert (found.status, found.body) == (406, b"")
    assert found.headers["vary"] == "Accept"
    assert "etag" not in found.headers


@pytest.mark.parametrize("path", [*OPENAPI, *PLAIN, "/apis"])
@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "application/*", "", f"{PROTOBUF},application/json;q=0.1"]
)
def test_acceptable(api: Server, path: str, accept: str) -> None:
    """Whoever takes JSON among others gets it."""
    assert api.call(path, Accept=accept).status == 200


@pytest.mark.parametrize("path", [*PLAIN, "/apis"])
def test_not_acceptable(api: Server, path: str) -> None:
    """Elsewhere who takes no JSON is told so in a Status."""
    found = api.call(path, Accept=PROTOBUF)
    assert (found.status, found.json["reason"]) == (406, "NotAcceptable")


def test_hash(api: Server) -> None:
    """What is asked for by its hash never changes, so that it may be kept for a year."""
    url = hashed(api)
    found = api.call(url)
    assert found.status == 200
    assert found.headers["cache-control"] == "public, immutable"
    expires = parsedate_to_datetime(found.headers["expires"]).timestamp()
    assert expires == BEGIN_S + 365 * 86_400
    assert url.endswith("?hash=" + found.headers["etag"].strip('"'))
    again = api.call(url, If_None_Match=found.headers["etag"])
    assert (again.status, again.headers["cache-control"]) == (304, "public, immutable")


@pytest.mark.parametrize("query", ["", "?hash=", "?hash=old", "?hash=%22"])
def test_other_hash(api: Server, query: str) -> None:
    """For another hash there is today's document, which must not be kept; never a redirect."""
    found = api.call(f"/openapi/v3{ROOT}{query}")
    assert found.status == 200
    assert found.json == api.call(hashed(api)).json
    assert found.headers["cache-control"] == "no-cache, private"
    assert "expires" not in found.headers
    assert "location" not in found.headers


def test_index_of_openapi(api: Server) -> None:
    """It names the group version alone: kube-apiserver lets it take the place of its own."""
    assert list(api.call("/openapi/v3").json["paths"]) == ["apis/core.kjournal/v1alpha1"]


def test_index(api: Server) -> None:
    """The root names what is served beside resources, and each of these paths answers."""
    paths = api.call("/").json["paths"]
    assert paths == sorted(paths)
    assert {*OPENAPI, *PLAIN[1:], "/apis", "/healthz", "/livez", "/readyz", "/metrics"} == {*paths}
    assert all(api.call(path).status == 200 for path in paths)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1"])
def test_no_legacy_group(api: Server, path: str) -> None:
    """There is no core group: clients take a 404 for that."""
    found = api.call(path)
    assert (found.status, found.json["reason"]) == (404, "NotFound")


def test_version(api: Server) -> None:
    """The version has all that clients of Kubernetes read, each a text."""
    found = api.call("/version").json
    assert {
        *("major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion"),
        *("compiler", "platform"),
    } == found.keys()
    assert all(isinstance(value, str) for value in found.values())
    assert found["gitVersion"].startswith(f"v{found['major']}.{found['minor']}")
    assert found["platform"].count("/") == 1


@pytest.mark.parametrize("path", [*OPENAPI, "/apis", ROOT])
def test_head(api: Server, path: str) -> None:
    """HEAD tells what GET would, without the body."""
    found, told = api.call(path), api.call(path, "HEAD")
    assert told.status == 200
    assert told.bytes.endswith(b"\r\n\r\n")
    for name in ("content-type", "content-length", "etag", "vary"):
        assert told.headers.get(name) == found.headers.get(name)


class Recording(dict[str, str]):
    """Parameters that remember which of them were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.read.add(key)
        return default

    def __contains__(self, key: object) -> bool:
        self.read.add(str(key))
        return False


@pytest.mark.parametrize("watch", [False, True])
def test_documented_parameters(api: Server, watch: bool) -> None:
    """OpenAPI names each parameter that is read, and none that is not."""
    parameters = Recording()
    info = parse_request_info("GET", f"{ROOT}/logs".encode(), watch)
    parse_options(info, parameters, 0)
    deadline_s(parameters, 1)
    document = api.call(hashed(api)).json
    named = {each["name"] for each in document["paths"][f"{ROOT}/logs"]["parameters"]}
    # The gate reads `watch`, the request `pretty`.
    assert named == {*parameters.read, "watch", "pretty"}


def kinds_of_error(of: type[APIError]) -> Iterator[type[APIError]]:
    for each in of.__subclasses__():
        yield each
        yield from kinds_of_error(each)


def test_documented_statuses(api: Server) -> None:
    """OpenAPI names each status that there is an error for, in whatever room."""
    responses = api.call(hashed(api)).json["paths"][f"{ROOT}/logs"]["get"]["responses"]
    rooms = {each for each in kinds_of_error(APIError) if each.__module__.startswith("kjournal.")}
    assert {str(each.code) for each in rooms} == responses.keys() - {"200"}
