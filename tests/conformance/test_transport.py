"""Section 0: what every answer is like, whoever brings the request."""

import pytest

from tests.conformance.records import LINES, samples
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.conformance.ways import direct_only, proxied_only
from tests.integration.stories import API, path_of

PATHS = (
    "",
    "/containerlogs",
    "/namespaces/shop/containerlogs",
    "/auditevents",
    "/nothing",
    "/namespaces",
)
OWN_PATHS = (
    "/",
    "/apis",
    "/apis/core.kjournal",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/apis/core.kjournal/v1alpha1",
    "/openapi/v3/apis/core.kjournal/v1alpha1?hash=OF-YESTERDAY",
    "/version",
    "/healthz",
    "/readyz/ping",
    "/metrics",
    "/nothing",
    "//apis",
    f"/{API}/containerlogs",
    f"{API}/./containerlogs",
)


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    served.write(samples(served))


def check_plain(served: Served, path: str) -> None:
    answer = served.ask(path)
    assert not 300 <= answer.status < 400, answer.headers
    assert "Location" not in answer.headers
    assert "html" not in answer.headers["Content-Type"]
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


@pytest.mark.paragraph("0.1", "Another group is not served here.")
@direct_only
def test_another_group_is_not_found(served: Served) -> None:
    refused(served.ask("/apis/apps/v1/deployments"), 404)


@pytest.mark.paragraph("0.3", "Requests are not routed by Host: the proxy sends an ip:port.")
def test_the_host_does_not_matter(served: Served) -> None:
    headers = {"Host": "127.0.0.1:1"}
    assert served.ask(LINES, headers=headers).status == 200


@pytest.mark.paragraph("0.3", "The plain port alone serves the loopback's names only.")
@direct_only
def test_the_plain_port_refuses_other_hosts(served: Served) -> None:
    refused(served.ask(LINES, headers={"Host": "rebound.example"}), 403)


@pytest.mark.paragraph("0.4", "A connection is kept, and serves one request after the other.")
def test_a_connection_is_kept(served: Served) -> None:
    connection = served.connection()
    connection.request("GET", LINES)
    first = connection.getresponse()
    first.read()
    socket = connection.sock
    connection.request("GET", f"{API}/nothing")
    connection.getresponse().read()
    connection.request("GET", LINES)
    assert connection.getresponse().read()
    assert connection.sock is socket
    connection.close()


@pytest.mark.paragraph("2.1", "HEAD is GET without the body.")
@pytest.mark.parametrize("path", [LINES, f"{LINES}/no-such-name", f"{API}/nothing"])
def test_head(served: Served, path: str) -> None:
    whole, head = served.ask(path), served.ask(path, method="HEAD")
    assert (head.status, head.body) == (whole.status, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]


@pytest.mark.paragraph("0.5", "Nothing redirects.")
@pytest.mark.paragraph("0.6", "Nothing is HTML, and no answer speaks of CORS.")
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", PATHS)
def test_nothing_below_the_group_redirects(served: Served, path: str, slash: str) -> None:
    check_plain(served, f"{API}{path}{slash}")


@pytest.mark.paragraph("0.5", "Nor does what only direct callers see.")
@pytest.mark.parametrize("path", OWN_PATHS)
@direct_only
def test_no_other_path_redirects(served: Served, path: str) -> None:
    check_plain(served, path)
    check_plain(served, path.rstrip("/") + "/")


@pytest.mark.paragraph("0.7", "A stream of our own invention does not exist: a list ends.")
def test_only_a_watch_follows(served: Served) -> None:
    assert served.json(f"{LINES}?follow=true")["kind"] == "ContainerLogList"


@pytest.mark.paragraph("0.8", "A watch sends its head at once, chunked and without a length.")
def test_a_watch_begins_before_its_first_event(served: Served) -> None:
    version = served.version(LINES)
    with served.watch(f"{LINES}?resourceVersion={version}") as stream:
        assert stream.response.status == 200
        assert stream.response.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in stream.response.headers


@pytest.mark.paragraph("0.9", "Parameters that are not known are ignored.")
@pytest.mark.parametrize(
    "query", ["timeout=32s", "fieldManager=me", "shardSelector=x", "a=b&a=c", "%5B=%5D", "x"]
)
def test_unknown_parameters_are_ignored(served: Served, query: str) -> None:
    assert len(served.json(f"{LINES}?{query}")["items"]) == 2


@pytest.mark.paragraph("0.9", "A path means the same in any percent-encoding.")
def test_paths_are_decoded(served: Served) -> None:
    encoded = LINES.replace("shop", "%73hop").replace("containerlogs", "container%6Cogs")
    assert len(served.json(encoded)["items"]) == 2


@pytest.mark.paragraph("0.10", "Who claims an identity without the proxy's certificate has none.")
@pytest.mark.paragraph("0.10", "The proxy's own headers are no obstacle.")
def test_headers_of_a_proxy_are_no_obstacle(served: Served) -> None:
    headers = {
        "X-Remote-User": "nobody",
        "X-Remote-Group": "system:unauthenticated",
        "X-Remote-Extra-Scopes": "x",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Uri": "/elsewhere",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    assert served.ask(LINES, headers=headers).status == 200


@pytest.mark.paragraph("0.12", "kube-apiserver finds the API available, and hands requests on.")
@proxied_only
def test_the_group_is_available(served: Served) -> None:
    resources = served.json(API)["resources"]
    assert {tuple(resource["verbs"]) for resource in resources} == {("get", "list", "watch")}
    assert served.json(path_of("logs"))["kind"] == "LogList"
