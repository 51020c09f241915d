"""OpenAPI: valid, whole, and what kubectl explain and generators need."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis

from kjournal import errors
from kjournal.codec import dump_json, load_json
from kjournal.encoding.openapi import openapi_v2, openapi_v3
from kjournal.kinds.registry import KINDS

ROOT = "/apis/core.kjournal/v1alpha1"
# As a client has them.
V2, V3 = (load_json(dump_json(of(KINDS.values()))) for of in (openapi_v2, openapi_v3))
BOTH = pytest.mark.parametrize("document", [V2, V3], ids=["v2", "v3"])
META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def schemas_of(document: Any) -> Any:
    return document["definitions"] if document is V2 else document["components"]["schemas"]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in a document."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from objects(member)
    if isinstance(value, list):
        for member in value:
            yield from objects(member)


def parameters_of(path: str, document: Any = V3) -> dict[str, Any]:
    return {each["name"]: each for each in document["paths"][path].get("parameters", ())}


@BOTH
def test_valid(document: Any) -> None:
    """Both are what OpenAPI's own schema takes, and say their version."""
    schemathesis.openapi.from_dict(document).validate()
    assert (document.get("swagger"), document.get("openapi")) in (("2.0", None), (None, "3.0.0"))


@BOTH
def test_references(document: Any) -> None:
    """Every reference is resolved in the same document, and nothing lies there unused."""
    schemas = schemas_of(document)
    prefix = "#/definitions/" if document is V2 else "#/components/schemas/"
    found = {each["$ref"] for each in objects(document) if "$ref" in each}
    assert all(reference.startswith(prefix) for reference in found)
    assert {reference.removeprefix(prefix) for reference in found} == schemas.keys()


@BOTH
def test_named(document: Any) -> None:
    """No object type is without a name: a generator would have to make one up."""
    for name, schema in schemas_of(document).items():
        assert re.fullmatch(r"[A-Za-z0-9.]+", name)
        for member in schema.get("properties", {}).values():
            for inner in objects(member):
                assert "properties" not in inner
        assert set(schema.get("required", ())) <= schema.get("properties", {}).keys()


@BOTH
def test_described(document: Any) -> None:
    """Each type, member, parameter and status says what it is."""
    for schema in schemas_of(document).values():
        assert schema["description"]
        for member in schema.get("properties", {}).values():
            assert member["description"]
    for path in document["paths"].values():
        assert path["get"]["description"]
        described = (*path.get("parameters", ()), *path["get"]["responses"].values())
        assert all(each["description"] for each in described)


@pytest.mark.parametrize("plural", KINDS)
def test_explain(plural: str) -> None:
    """A path names its kind as one object, its schema in an array that has the same."""
    kind = KINDS[plural]
    below = f"namespaces/{{namespace}}/{plural}" if kind.namespaced else plural
    gvk = V3["paths"][f"{ROOT}/{below}"]["get"]["x-kubernetes-group-version-kind"]
    assert gvk == {"group": "core.kjournal", "version": "v1alpha1", "kind": kind.kind}
    (schema,) = (
        schema
        for schema in V3["components"]["schemas"].values()
        if gvk in schema.get("x-kubernetes-group-version-kind", ())
    )
    assert {"metadata", "kind", "apiVersion"} <= schema["properties"].keys()
    assert {field.name for field in kind.fields} <= schema["properties"].keys()


def test_explain_goes_down() -> None:
    """Below a member there are the members of its type, which explain finds by a lone allOf."""
    schemas = schemas_of(V3)
    user = schemas["kjournal.core.v1alpha1.AuditEvent"]["properties"]["user"]
    (reference,) = user["allOf"]
    assert reference == {"$ref": "#/components/schemas/io.k8s.api.authentication.v1.UserInfo"}
    extra = schemas["io.k8s.api.authentication.v1.UserInfo"]["properties"]["extra"]
    assert extra["additionalProperties"] == {"type": "array", "items": {"type": "string"}}
    series = schemas["io.k8s.api.events.v1.EventSeries"]["properties"]
    assert series["lastObservedTime"]["allOf"][0]["$ref"].endswith(f"/{META}MicroTime")
    assert schemas[f"{META}MicroTime"]["format"] == "date-time"
    assert schemas[f"{META}Time"]["format"] == "date-time"


def test_object_meta() -> None:
    """ObjectMeta has all of Kubernetes' fields, so that one may stand for the other."""
    assert schemas_of(V3)[f"{META}ObjectMeta"]["properties"].keys() == {
        *("annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp"),
        *("finalizers", "generateName", "generation", "labels", "managedFields", "name"),
        *("namespace", "ownerReferences", "resourceVersion", "selfLink", "uid"),
    }


def test_operations() -> None:
    """Operations have the names that Kubernetes would give them: generated clients depend on it."""
    found = {
        path.removeprefix(ROOT): (get["operationId"], get.get("x-kubernetes-action"))
        for path, get in ((path, item["get"]) for path, item in V3["paths"].items())
        if "event" not in path.lower()
    }
    a, below, named = (
        "CoreKjournalV1alpha1",
        "/namespaces/{namespace}/containerlogs",
        "ContainerLog",
    )
    assert found == {
        "/": (f"get{a}APIResources", None),
        "/containerlogs": (f"list{a}{named}ForAllNamespaces", "list"),
        below: (f"list{a}Namespaced{named}", "list"),
        f"{below}/{{name}}": (f"read{a}Namespaced{named}", "get"),
        "/watch/containerlogs": (f"watch{a}{named}ListForAllNamespaces", "watchlist"),
        f"/watch{below}": (f"watch{a}Namespaced{named}List", "watchlist"),
        f"/watch{below}/{{name}}": (f"watch{a}Namespaced{named}", "watch"),
        "/logs": (f"list{a}Log", "list"),
        "/logs/{name}": (f"read{a}Log", "get"),
        "/watch/logs": (f"watch{a}LogList", "watchlist"),
        "/watch/logs/{name}": (f"watch{a}Log", "watch"),
    }
    ids = [item["get"]["operationId"] for item in V2["paths"].values()]
    assert len(set(ids)) == len(ids)
    assert {item["get"]["tags"][0] for item in V3["paths"].values()} == {"coreKjournal_v1alpha1"}


def test_same_operations() -> None:
    """Both versions have the same operations; v2, which is one document, those above as well."""
    above = {"/apis/", "/apis/core.kjournal/", "/version/"}
    assert V2["paths"].keys() - V3["paths"].keys() == above
    assert all(path.startswith(f"{ROOT}/") for path in V3["paths"])
    for path, item in V3["paths"].items():
        for key in ("operationId", "description", "tags"):
            assert item["get"][key] == V2["paths"][path]["get"][key]
        assert parameters_of(path).keys() == parameters_of(path, V2).keys()
        assert item["get"]["responses"].keys() == V2["paths"][path]["get"]["responses"].keys()


def test_parameters() -> None:
    """All that a list, a watch and a get read of their query is there, and what is in the path."""
    every = {
        *("allowWatchBookmarks", "continue", "fieldSelector", "includeObject", "labelSelector"),
        *("limit", "pretty", "resourceVersion", "resourceVersionMatch", "sendInitialEvents"),
        *("timeout", "timeoutSeconds", "watch"),
    }
    below = f"{ROOT}/namespaces/{{namespace}}/events"
    assert parameters_of(f"{ROOT}/logs").keys() == every
    assert parameters_of(below).keys() == {*every, "namespace"}
    of_one = parameters_of(f"{below}/{{name}}")
    assert of_one.keys() == {
        *("name", "namespace", "includeObject", "pretty", "resourceVersion", "timeout"),
    }
    assert of_one["name"]["required"] is of_one["namespace"]["required"] is True
    assert of_one["includeObject"]["schema"]["enum"] == ["None", "Metadata", "Object"]
    for document in (V2, V3):
        for path in document["paths"]:
            in_path = {
                n for n, each in parameters_of(path, document).items() if each["in"] == "path"
            }
            assert in_path == set(re.findall(r"{(\w+)}", path))


@BOTH
def test_statuses(document: Any) -> None:
    """Each status that kjournal has an error for is there, with a Status for its schema."""
    codes = {str(each.code) for each in vars(errors).values() if hasattr(each, "code")}
    assert {"400", "403", "404", "406", "410", "422", "429", "500", "503", "504"} <= codes
    codes.add("426")  # which only api/websocket.py has
    for item in document["paths"].values():
        responses = item["get"]["responses"]
        assert responses.keys() == {"200", *codes}
        for code in codes:
            schema = responses[code]
            for media in ("application/json", "application/yaml"):
                of = schema if document is V2 else schema["content"][media]
                assert of["schema"]["$ref"].endswith(f"/{META}Status")


def test_media_types() -> None:
    """A list may come as JSON, as YAML or as a watch; the older watches come as streams alone."""
    lists = ["application/json", "application/yaml", "application/json;stream=watch"]
    streams = ["application/json", "application/json;stream=watch"]
    for path, media in (
        (f"{ROOT}/logs", lists),
        (f"{ROOT}/logs/{{name}}", lists[:2]),
        (f"{ROOT}/watch/logs", streams),
        (f"{ROOT}/watch/logs/{{name}}", streams),
        (f"{ROOT}/", lists[:1]),
    ):
        assert list(V3["paths"][path]["get"]["responses"]["200"]["content"]) == media
        assert V2["paths"][path]["get"]["produces"] == media
    watched = V3["paths"][f"{ROOT}/watch/logs"]["get"]["responses"]["200"]["content"][streams[0]]
    assert watched["schema"]["$ref"].endswith(f"/{META}WatchEvent")
