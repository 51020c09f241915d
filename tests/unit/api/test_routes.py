"""Documents, and the answers to what is not served."""

from typing import Any

import pytest
import yaml

from kjournal.kinds.registry import KINDS
from tests.unit.api.serving import ROOT, Server

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DOCUMENTS = ["/apis", "/apis/core.kjournal", ROOT, "/version", "/openapi/v2", "/openapi/v3"]
DOCUMENTS += [f"/openapi/v3{ROOT}"]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents(api: Server, path: str, slash: str) -> None:
    """Each is JSON with and without a slash at its end; nothing redirects."""
    found = api.call(path + slash)
    assert found.status == 200
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "location" not in found.headers
    assert found.json == api.call(path).json


def test_legacy_discovery(api: Server) -> None:
    """Group list, group and resources agree, and offer reading alone."""
    group = api.call("/apis/core.kjournal").json
    assert (group["kind"], group["apiVersion"]) == ("APIGroup", "v1")
    (listed,) = api.call("/apis").json["groups"]
    assert listed == {key: group[key] for key in ("name", "versions", "preferredVersion")}
    resources = api.call(ROOT).json
    assert resources["kind"] == "APIResourceList"
    assert resources["groupVersion"] == "core.kjournal/v1alpha1"
    scopes = {r["name"]: r["namespaced"] for r in resources["resources"]}
    assert scopes == {kind.plural: kind.namespaced for kind in KINDS.values()}
    assert {plural for plural, namespaced in scopes.items() if not namespaced} == {
        "auditevents",
        "logs",
    }
    for resource in resources["resources"]:
        assert resource["verbs"] == ["get", "list", "watch"]
        assert resource["singularName"] == resource["kind"].lower()


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        (V2, "v2"),
        (f"{V2},application/json", "v2"),
        (V2.replace("=v2", "=v2beta1"), "v2beta1"),
        (f"{V2};profile=nopeer", "v2"),
        ("application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", "v2"),
        (f"{V2.replace('=v2', '=v9')},{V2}", "v2"),
        (f"application/json;q=0.5,{V2}", "v2"),
        (f"application/json,{V2};q=0.9", None),
        ("application/json", None),
        ("*/*", None),
        ("", None),
    ],
)
def test_aggregated_discovery(api: Server, accept: str, version: str | None) -> None:
    """The content type names what was sent, as aggregator and client-go test it."""
    found = api.call("/apis", Accept=accept)
    assert found.status == 200
    assert found.headers["vary"] == "Accept"
    if version is None:
        assert found.headers["content-type"] == "application/json"
        assert found.json["kind"] == "APIGroupList"
        return
    assert found.headers["content-type"] == V2.replace("v=v2", f"v={version}")
    assert found.headers["cache-control"] == "public"
    assert found.json["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    (item,) = found.json["items"]
    (served,) = item["versions"]
    assert served["freshness"] == "Current"
    for resource in served["resources"]:
        assert resource["responseKind"]["kind"]
        assert resource["scope"] in ("Namespaced", "Cluster")


@pytest.mark.parametrize("accept", [V2.replace("=v2", "=v9"), "text/html", "application/json;q=0"])
def test_discovery_not_acceptable(api: Server, accept: str) -> None:
    """What is not served is 406 in JSON."""
    found = api.call("/apis", Accept=accept)
    assert found.status == 406
    assert found.json["reason"] == "NotAcceptable"


def test_etag(api: Server) -> None:
    """304 only for the very ETag, with an empty body."""
    etag = api.call("/apis", Accept=V2).headers["etag"]
    assert etag.startswith('"')
    again = api.call("/apis", Accept=V2, If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == etag
    for other in (etag.strip('"'), f"W/{etag}", "*"):
        assert api.call("/apis", Accept=V2, If_None_Match=other).status == 200


def test_discovery_without_store(api: Server) -> None:
    """Discovery and health ask no store."""
    for path in (*DOCUMENTS, "/healthz", "/livez", "/readyz", "/metrics", "/"):
        assert api.call(path).status == 200
    assert all(store.calls == [] for store in api.backend.stores)


def test_openapi_v3(api: Server) -> None:
    """The index leads to the document; a wrong hash gets the document, never a redirect."""
    paths = api.call("/openapi/v3").json["paths"]
    url = paths["apis/core.kjournal/v1alpha1"]["serverRelativeURL"]
    document = api.call(url).json
    assert api.call(url.partition("?")[0] + "?hash=old").json == document
    get = document["paths"][f"{ROOT}/namespaces/{{namespace}}/containerlogs"]["get"]
    kind = {"group": "core.kjournal", "version": "v1alpha1", "kind": "ContainerLog"}
    assert get["x-kubernetes-group-version-kind"] == kind


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/api", "/apis/other", "/apis/core.kjournal/v1", f"{ROOT}/pods"),
        *(f"{ROOT}/namespaces/x", f"{ROOT}/namespaces", f"{ROOT}/containerlogs/n"),
        *(f"{ROOT}/namespaces/x/auditevents", f"{ROOT}x", "/readyz/none", "/debug/pprof"),
    ],
)
def test_not_found(api: Server, path: str) -> None:
    """What is not there is a 404 Status in JSON, never HTML."""
    found = api.call(path)
    assert found.status == 404
    assert found.headers["content-type"] == "application/json"
    assert (found.json["kind"], found.json["reason"]) == ("Status", "NotFound")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize(
    "path", [f"{ROOT}/logs", f"{ROOT}/logs/x", "/apis", f"{ROOT}/logs?watch=1"]
)
def test_writes(api: Server, method: str, path: str) -> None:
    """Every other method is 405, and told so."""
    found = api.call(path, method)
    assert found.status == 405
    assert found.headers["allow"] == "GET"
    assert found.json["reason"] == "MethodNotAllowed"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"{ROOT}/namespaces/a%2Fb/containerlogs", 400),
        (f"{ROOT}/namespaces/../containerlogs", 400),
        (f"{ROOT}//containerlogs", 400),
        (f"{ROOT}/containerlogs?fieldSelector=nothing=1", 400),
        (f"{ROOT}/containerlogs?labelSelector=a==b==c", 400),
        (f"{ROOT}/containerlogs?limit=x", 400),
        (f"{ROOT}/containerlogs?sendInitialEvents=true", 422),
        (f"{ROOT}/containerlogs?watch=1&resourceVersionMatch=Exact", 422),
        (f"{ROOT}/containerlogs?a=%ff", 400),
    ],
)
def test_refused(api: Server, target: str, code: int) -> None:
    """What cannot be read or contradicts itself is a Status, and asks no store."""
    found = api.call(target)
    assert (found.status, found.json["code"]) == (code, code)
    assert found.json["metadata"] == {}
    assert "retry-after" not in found.headers
    if code == 422:
        assert found.json["details"]["kind"] == "ListOptions"
        assert found.json["details"]["causes"]
    assert api.store().calls == []


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        *(("application/json", 200), ("*/*", 200), ("", 200), ("application/*", 200)),
        *(("application/vnd.kubernetes.protobuf,application/json", 200), ("application/yaml", 200)),
        *(("application/vnd.kubernetes.protobuf", 406), ("text/html", 406)),
        *(("application/json;stream=watch", 200), ("application/json;stream=other", 406)),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", 200),
        ("application/json;as=Table;v=v9;g=meta.k8s.io", 406),
        ("application/json;as=Other;v=v1;g=meta.k8s.io", 406),
    ],
)
def test_accept(api: Server, accept: str, code: int) -> None:
    """The first clause that can be served decides; none is 406."""
    assert api.get("/containerlogs", Accept=accept).status == code


def test_audit_id(api: Server) -> None:
    """A given audit id comes back, a wild one does not."""
    assert api.call("/version", Audit_ID="abc").headers["audit-id"] == "abc"
    assert api.call("/version", Audit_ID="x" * 65).headers["audit-id"] != "x" * 65
    assert len(api.call("/version").headers["audit-id"]) == 36


def test_health(api: Server) -> None:
    """Readyz fails first when stopping, livez stays green."""
    assert api.call("/readyz").body == b"ok"
    assert api.call("/readyz").headers["content-type"] == "text/plain; charset=utf-8"
    assert b"[+]ping ok\n[+]log ok\n[+]shutdown ok\n" in api.call("/readyz?verbose").body
    api.health.stopping = True
    found = api.call("/readyz")
    assert found.status == 500
    assert b"[-]shutdown failed: reason withheld" in found.body
    assert api.call("/readyz?exclude=shutdown").status == 200
    assert api.call("/readyz/shutdown").status == 500
    assert api.call("/readyz/ping").body == b"ok"
    assert api.call("/livez").status == 200


def test_metrics(api: Server) -> None:
    """Metrics say what the tails do."""
    api.get("/logs")
    body = api.call("/metrics").body
    assert b'kjournal_tail_running{resource="logs"} 1.0' in body
    assert b'kjournal_tail_running{resource="events"} 0.0' in body


def test_bug(api: Server, logged_failures: Any) -> None:
    """A bug is 500 with the audit id and nothing else, and is logged."""
    api.store().answers = None  # type: ignore[assignment]
    found = api.get("/containerlogs", Audit_ID="abc")
    assert found.status == 500
    assert found.json["reason"] == "InternalError"
    assert "NoneType" not in found.json["message"]
    assert logged_failures.events
    logged_failures.clear()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        *(("/apis/other.group/v1/things", 404), ("/api/v1/pods", 404), ("/nothing", 404)),
        *(("/version", 405), ("/apis", 405), ("/readyz", 405), (f"{ROOT}/logs", 405)),
        *((f"{ROOT}/namespaces/a/events/n", 405), (f"{ROOT}/nothing", 404)),
    ],
)
def test_writes_elsewhere(api: Server, method: str, path: str, code: int) -> None:
    """What is not served is not found, by any method; what is served can only be read."""
    found = api.call(path, method)
    assert (found.status, found.json["code"]) == (code, code)
    assert ("allow" in found.headers) is (code == 405)


@pytest.mark.parametrize("target", ["/containerlogs?limit=x", "/namespaces/a/containerlogs/nope"])
def test_a_status_in_yaml(api: Server, target: str) -> None:
    """Whoever accepts YAML alone is told what is wrong in YAML; who accepts neither, in JSON."""
    found = api.get(target, Accept="application/yaml")
    assert found.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(found.body)["kind"] == "Status"
    assert api.get(target, Accept="text/html").headers["content-type"] == "application/json"
    for document in ("/apis", "/version?timeout=x", "/nothing"):
        found = api.call(document, Accept="application/yaml")
        assert found.status >= 400
        assert found.headers["content-type"] == "application/json"
    assert api.get(target, Accept="*/*").headers["content-type"] == "application/json"
