"""OpenAPI: whole, and what kubectl explain needs."""

from collections.abc import Iterator
from typing import Any

import pytest

from kjournal.codec import dump_json
from kjournal.encoding.openapi import openapi_v2, openapi_v3
from kjournal.kinds.registry import KINDS

ROOT = "/apis/core.kjournal/v1alpha1"
V2, V3 = openapi_v2(KINDS.values()), openapi_v3(KINDS.values())


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    if isinstance(value, list):
        for member in value:
            yield from references(member)


@pytest.mark.parametrize("document", [V2, V3], ids=["v2", "v3"])
def test_references(document: Any) -> None:
    """Every reference is resolved in the same document."""
    found = set(references(document))
    assert found
    for reference in found:
        there = document
        for part in reference.removeprefix("#/").split("/"):
            there = there[part]
        assert there["type"] == "object"


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


def test_versions() -> None:
    """Both say their version, and are JSON."""
    assert V2["swagger"] == "2.0"
    assert V3["openapi"] == "3.0.0"
    assert dump_json(V2)
    assert dump_json(V3)
    assert all(path.startswith(f"{ROOT}/") for path in V2["paths"])
