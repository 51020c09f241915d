"""Section 1: discovery, OpenAPI and availability."""

from typing import Any

import pytest

from kjournal.codec import load_json
from tests.conformance.served import Served
from tests.conformance.statuses import awaited, refused
from tests.conformance.ways import direct_only, proxied_only
from tests.integration.stories import API, KINDS, Answer, ask
from tests.rig_fixtures import StartGateway

GROUP = "core.kjournal"
VERSION = {"groupVersion": f"{GROUP}/v1alpha1", "version": "v1alpha1"}
G = {"name": GROUP, "versions": [VERSION], "preferredVersion": VERSION}
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
V2 = AGGREGATED.format("v2")
SINGULARS = {
    "containerlogs": ("ContainerLog", "containerlog", True),
    "events": ("Event", "event", True),
    "auditevents": ("AuditEvent", "auditevent", False),
    "localauditevents": ("LocalAuditEvent", "localauditevent", True),
    "logs": ("Log", "log", False),
}
OPENAPI_V3 = f"/openapi/v3{API}"


def groups(served: Served, **headers: str) -> Answer:
    return served.ask("/apis", headers={name.replace("_", "-"): to for name, to in headers.items()})


@pytest.mark.paragraph("1.1", "/apis lists the group, /apis/core.kjournal is the group.")
@pytest.mark.parametrize("slash", ["", "/"])
@direct_only
def test_the_group_is_listed(served: Served, slash: str) -> None:
    expected = {"kind": "APIGroupList", "apiVersion": "v1", "groups": [G]}
    assert served.json(f"/apis{slash}") == expected
    assert served.json(f"/apis/{GROUP}{slash}") == {"kind": "APIGroup", "apiVersion": "v1", **G}


@pytest.mark.paragraph("1.1", "The group version lists the kinds, which can be read only.")
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_kinds_are_listed(served: Served, slash: str) -> None:
    document = served.json(f"{API}{slash}")
    assert document["kind"] == "APIResourceList"
    assert document["apiVersion"] == "v1"
    assert document["groupVersion"] == VERSION["groupVersion"]
    found = {
        resource["name"]: (resource["kind"], resource["singularName"], resource["namespaced"])
        for resource in document["resources"]
    }
    assert found == SINGULARS
    for resource in document["resources"]:
        assert resource["verbs"] == ["get", "list", "watch"]
        assert "all" not in resource.get("categories", [])
        assert not resource.get("shortNames")


@pytest.mark.paragraph("1.1", "There is no legacy group.")
@direct_only
def test_there_is_no_core_group(served: Served) -> None:
    refused(served.ask("/api"), 404)


@pytest.mark.paragraph("1.2", "Aggregated discovery names its group, version and form.")
@pytest.mark.parametrize(
    "accept",
    [
        V2,
        f"{V2},application/json",
        f"{V2},{AGGREGATED.format('v2beta1')},application/json",
        "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io;profile=nopeer",
        f"{AGGREGATED.format('v9')},{V2}",
    ],
)
@direct_only
def test_aggregated_discovery(served: Served, accept: str) -> None:
    answer = groups(served, Accept=accept)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == V2
    assert "Accept" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "public"
    document = answer.json
    assert document["kind"] == "APIGroupDiscoveryList"
    assert document["apiVersion"] == "apidiscovery.k8s.io/v2"
    assert document["metadata"] == {}
    check_discovered(document["items"])


def check_discovered(items: list[Any]) -> None:
    (group,) = [item for item in items if item["metadata"]["name"] == GROUP]
    (version,) = group["versions"]
    assert (version["version"], version["freshness"]) == ("v1alpha1", "Current")
    found = {}
    for resource in version["resources"]:
        kind = resource["responseKind"]
        assert (kind["group"], kind["version"]) == (GROUP, "v1alpha1")
        assert resource["verbs"] == ["get", "list", "watch"]
        namespaced = {"Namespaced": True, "Cluster": False}[resource["scope"]]
        found[resource["resource"]] = (kind["kind"], resource["singularResource"], namespaced)
    assert found == SINGULARS


@pytest.mark.paragraph("1.2", "kube-apiserver's own discovery has the group, and it is current.")
@proxied_only
def test_the_cluster_discovers_the_group(served: Served) -> None:
    check_discovered(served.json("/apis", V2)["items"])


@pytest.mark.paragraph("1.2", "The beta of aggregated discovery is served to who asks for it only.")
@direct_only
def test_the_beta_of_aggregated_discovery(served: Served) -> None:
    answer = groups(served, Accept=AGGREGATED.format("v2beta1"))
    assert answer.headers["Content-Type"] == AGGREGATED.format("v2beta1")
    assert answer.json["apiVersion"] == "apidiscovery.k8s.io/v2beta1"


@pytest.mark.paragraph("1.2", "An unknown form is passed over; where nothing is left it is a 406.")
@direct_only
def test_unknown_forms_of_discovery(served: Served) -> None:
    unknown = AGGREGATED.format("v3")
    assert groups(served, Accept=f"{unknown},application/json").json["kind"] == "APIGroupList"
    refused(groups(served, Accept=unknown), 406)


@pytest.mark.paragraph("1.2", "304 answers the quoted ETag, and nothing else.")
@direct_only
def test_discovery_is_not_sent_twice(served: Served) -> None:
    etag = groups(served, Accept=V2).headers["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    answer = groups(served, Accept=V2, If_None_Match=etag)
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
    for other in (etag.strip('"'), '"OTHER"'):
        assert groups(served, Accept=V2, If_None_Match=other).status == 200


@pytest.mark.paragraph("1.3", "Neither discovery nor readiness depends on the store.")
@pytest.mark.paragraph("1.5", "A store that is out of reach does not make the API unavailable.")
def test_discovery_without_a_store(gateway: StartGateway) -> None:
    url = gateway("--es-url=http://127.0.0.1:1").url
    for path in ("/apis", API, "/openapi/v2", "/openapi/v3", "/readyz"):
        assert ask(url, path).status == 200
    refused(ask(url, f"{API}/logs"), 503)


@pytest.mark.paragraph("1.5", "The prober, which accepts nothing in particular, gets a success.")
def test_the_probe_succeeds(served: Served) -> None:
    answer = served.ask(API)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.paragraph("1.6", "OpenAPI v2 is Swagger 2.0, with an ETag.")
@direct_only
def test_openapi_v2(served: Served) -> None:
    answer = served.ask("/openapi/v2", headers={"Accept": "application/json"})
    assert answer.json["swagger"] == "2.0"
    assert set(answer.json["info"]) >= {"title", "version"}
    assert f"{API}/logs" in answer.json["paths"]
    etag = answer.headers["ETag"]
    assert etag.startswith('"')
    assert "Accept" in answer.headers["Vary"]
    again = served.ask("/openapi/v2", headers={"If-None-Match": etag})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.paragraph("1.6", "Old kubectl's protobuf is not acceptable, in an empty 406.")
@direct_only
def test_openapi_v2_as_protobuf(served: Served) -> None:
    accept = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
    answer = served.ask("/openapi/v2", headers={"Accept": accept})
    assert (answer.status, answer.body) == (406, b"")
    assert served.ask("/openapi/v2", headers={"Accept": f"{accept},*/*"}).status == 200


@pytest.mark.paragraph("1.7", "OpenAPI v3 has an index, whose hash makes a document immutable.")
@direct_only
def test_openapi_v3(served: Served) -> None:
    (key, entry), *others = served.json("/openapi/v3", "")["paths"].items()
    assert not others
    assert key == "apis/core.kjournal/v1alpha1"
    url = entry["serverRelativeURL"]
    assert url.startswith(f"{OPENAPI_V3}?hash=")
    answer = served.ask(url)
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Expires"]
    assert answer.headers["ETag"] == f'"{url.partition("=")[2]}"'


@pytest.mark.paragraph("1.7", "Another hash gets the document all the same, and may not keep it.")
@pytest.mark.parametrize("query", ["", "?hash=OF-YESTERDAY"])
@direct_only
def test_openapi_v3_of_another_hash(served: Served, query: str) -> None:
    answer = served.ask(f"{OPENAPI_V3}{query}")
    assert answer.json["openapi"].startswith("3.")
    assert "immutable" not in answer.headers["Cache-Control"]
    assert "Expires" not in answer.headers


@pytest.mark.paragraph("1.7", "JSON is served to who accepts it or says nothing; protobuf is 406.")
@direct_only
def test_openapi_v3_is_json(served: Served) -> None:
    for accept in ("", "*/*", "application/json"):
        assert served.ask(OPENAPI_V3, headers={"Accept": accept}).status == 200
    accept = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
    assert served.ask(OPENAPI_V3, headers={"Accept": accept}).status == 406


@pytest.mark.paragraph("1.7", "The document reaches users through kube-apiserver.")
@proxied_only
def test_the_cluster_has_openapi_v3(served: Served) -> None:
    answer = awaited("kube-apiserver serves it", lambda: served.ask(OPENAPI_V3), 200)
    assert f"{API}/logs" in answer.json["paths"]


@pytest.mark.paragraph("1.8", "kubectl explain finds the kind of a path, and its schema.")
@pytest.mark.parametrize("plural", KINDS)
@direct_only
def test_what_explain_needs(served: Served, plural: str) -> None:
    document = served.json(OPENAPI_V3)
    kind, _, namespaced = SINGULARS[plural]
    gvk = {"group": GROUP, "version": "v1alpha1", "kind": kind}
    place = "namespaces/{namespace}/" if namespaced else ""
    assert (
        document["paths"][f"{API}/{place}{plural}"]["get"]["x-kubernetes-group-version-kind"] == gvk
    )
    schemas = document["components"]["schemas"]
    (schema,) = [
        schema
        for schema in schemas.values()
        if gvk in schema.get("x-kubernetes-group-version-kind", [])
    ]
    assert any(name.endswith(".ObjectMeta") for name in schemas)
    for reference in references(schema):
        assert reference.removeprefix("#/components/schemas/") in schemas


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for member in value for found in references(member)]
    if not isinstance(value, dict):
        return []
    inner = [found for member in value.values() for found in references(member)]
    return inner + ([value["$ref"]] if "$ref" in value else [])


@pytest.mark.paragraph("1.9", "/version says the nine things that clients decode, as text.")
@direct_only
def test_the_version(served: Served) -> None:
    document = served.json("/version")
    keys = "major minor gitVersion gitCommit gitTreeState buildDate goVersion compiler platform"
    assert set(document) >= set(keys.split())
    assert all(isinstance(document[key], str) for key in keys.split())


@pytest.mark.paragraph("1.10", "The root lists paths, all of which are there.")
@direct_only
def test_the_root_lists_paths(served: Served) -> None:
    paths = load_json(served.ask("/").body)["paths"]
    assert API in paths
    assert {served.ask(path).status for path in paths} == {200}


@pytest.mark.paragraph("1.10", "What is at no path is not found.")
@pytest.mark.parametrize("path", ["/nothing", "/apis/other", "/debug/pprof/", "/api/v1/pods"])
@direct_only
def test_unknown_paths(served: Served, path: str) -> None:
    refused(served.ask(path), 404)
