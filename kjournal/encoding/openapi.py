"""OpenAPI v2 and v3, made from the kinds.

Source: kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""

from collections.abc import Iterable
from typing import Any

from kjournal.kinds.model import GROUP, GROUP_VERSION, VERSION, Kind, Object
from kjournal.kinds.shape import Field

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
_TIME = {"type": "string", "format": "date-time"}
_QUERY = (
    ("continue", "string", "Where a list goes on: the token of the previous page."),
    ("fieldSelector", "string", "Restricts by fields: =, ==, !=, >, <, in (…), notin (…)."),
    ("labelSelector", "string", "Restricts by labels."),
    ("limit", "integer", "At most so many items."),
    ("resourceVersion", "string", "From where on, or not older than."),
    ("resourceVersionMatch", "string", "How resourceVersion is applied."),
    ("sendInitialEvents", "boolean", "Begin a watch with what exists."),
    ("allowWatchBookmarks", "boolean", "Send BOOKMARK events."),
    ("timeoutSeconds", "integer", "End a watch cleanly after so long."),
    ("watch", "boolean", "Follow instead of listing."),
)


def openapi_v3(kinds: Iterable[Kind]) -> Object:
    """Return the OpenAPI 3.0 document of the group version."""
    kinds = list(kinds)
    paths: Object = {}
    for kind in kinds:
        for path, action, parameters in _paths(kind):
            paths[path] = {
                "parameters": [_v3_parameter(parameter) for parameter in parameters],
                "get": _v3_operation(kind, action),
            }
    return {
        "openapi": "3.0.0",
        "info": {"title": "kjournal", "version": VERSION},
        "paths": paths,
        "components": {"schemas": _schemas(kinds, "#/components/schemas/")},
    }


def openapi_v2(kinds: Iterable[Kind]) -> Object:
    """Return the Swagger 2.0 document of the group version."""
    kinds = list(kinds)
    paths: Object = {}
    for kind in kinds:
        for path, action, parameters in _paths(kind):
            paths[path] = {
                "parameters": [dict(parameter) for parameter in parameters],
                "get": _v2_operation(kind, action),
            }
    return {
        "swagger": "2.0",
        "info": {"title": "kjournal", "version": VERSION},
        "paths": paths,
        "definitions": _schemas(kinds, "#/definitions/"),
    }


def _paths(kind: Kind) -> list[tuple[str, str, list[dict[str, Any]]]]:
    root = f"/apis/{GROUP_VERSION}"
    query = [
        {"name": name, "in": "query", "type": type_, "description": doc, "uniqueItems": True}
        for name, type_, doc in _QUERY
    ]
    name = _path_parameter("name", f"name of the {kind.kind}")
    if not kind.namespaced:
        base = f"{root}/{kind.plural}"
        return [(base, "list", query), (f"{base}/{{name}}", "get", [name])]
    base = f"{root}/namespaces/{{namespace}}/{kind.plural}"
    namespace = _path_parameter("namespace", "object name and auth scope")
    return [
        (f"{root}/{kind.plural}", "list", query),
        (base, "list", [namespace, *query]),
        (f"{base}/{{name}}", "get", [name, namespace]),
    ]


def _path_parameter(name: str, doc: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "type": "string",
        "description": doc,
        "uniqueItems": True,
    }


def _v3_parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    moved = dict(parameter)
    moved["schema"] = {"type": moved.pop("type"), "uniqueItems": moved.pop("uniqueItems")}
    return moved


def _operation(kind: Kind, action: str) -> dict[str, Any]:
    return {
        "tags": [f"{GROUP.replace('.', '_')}_{VERSION}"],
        "description": f"{'read' if action == 'get' else 'list or watch'} {kind.kind}",
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk(kind.kind),
    }


def _answer(kind: Kind, action: str) -> str:
    return _name(kind.kind if action == "get" else kind.list_kind)


def _v3_operation(kind: Kind, action: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{_answer(kind, action)}"}
    content = {"application/json": {"schema": schema}}
    responses = {
        "200": {"description": "OK", "content": content},
        "default": {"description": "a Status", "content": {"application/json": {}}},
    }
    return {**_operation(kind, action), "responses": responses}


def _v2_operation(kind: Kind, action: str) -> dict[str, Any]:
    schema = {"$ref": f"#/definitions/{_answer(kind, action)}"}
    responses = {
        "200": {"description": "OK", "schema": schema},
        "401": {"description": "Unauthorized"},
    }
    return {
        **_operation(kind, action),
        "produces": ["application/json"],
        "schemes": ["https"],
        "responses": responses,
    }


def _gvk(kind: str) -> dict[str, str]:
    return {"group": GROUP, "version": VERSION, "kind": kind}


def _name(kind: str) -> str:
    return f"kjournal.core.{VERSION}.{kind}"


def _schemas(kinds: list[Kind], prefix: str) -> Object:
    schemas: Object = {
        _META + "ObjectMeta": _object_meta(),
        _META + "ListMeta": _list_meta(),
    }
    for kind in kinds:
        metadata = _reference(prefix + _META + "ObjectMeta", "Standard object's metadata.")
        properties = {
            **_type_meta(),
            "metadata": metadata,
            **{field.name: _schema(field) for field in kind.fields},
        }
        schemas[_name(kind.kind)] = {
            "description": kind.doc,
            "type": "object",
            "properties": properties,
            "x-kubernetes-group-version-kind": [_gvk(kind.kind)],
        }
        schemas[_name(kind.list_kind)] = {
            "description": f"A list of {kind.kind}.",
            "type": "object",
            "required": ["items"],
            "properties": {
                **_type_meta(),
                "metadata": _reference(prefix + _META + "ListMeta", "The list's metadata."),
                "items": {"type": "array", "items": {"$ref": prefix + _name(kind.kind)}},
            },
            "x-kubernetes-group-version-kind": [_gvk(kind.list_kind)],
        }
    return schemas


def _reference(target: str, doc: str) -> dict[str, Any]:
    # In OpenAPI 3.0 a $ref hides its neighbours; kube-openapi wraps it, kubectl explain reads that.
    if target.startswith("#/definitions/"):
        return {"description": doc, "$ref": target}
    return {"description": doc, "default": {}, "allOf": [{"$ref": target}]}


def _schema(field: Field) -> dict[str, Any]:
    schema = {"description": field.doc, **field.shape.schema}
    if field.fields:
        schema["properties"] = {member.name: _schema(member) for member in field.fields}
    return schema


def _type_meta() -> Object:
    return {
        "apiVersion": {"type": "string", "description": "Version of this representation."},
        "kind": {"type": "string", "description": "The kind of this object."},
    }


def _object_meta() -> Object:
    return {
        "description": "ObjectMeta is metadata that all persisted resources must have.",
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Where the record is found again."},
            "namespace": {"type": "string", "description": "The namespace."},
            "uid": {"type": "string", "description": "Unique in time and space."},
            "resourceVersion": {"type": "string", "description": "Where a watch may go on."},
            "creationTimestamp": {**_TIME, "description": "The event time, in seconds."},
            "labels": {**_STRINGS, "description": "Labels of the pod or the event."},
            "annotations": {**_STRINGS, "description": "What else is known of the record."},
        },
    }


def _list_meta() -> Object:
    return {
        "description": "ListMeta describes metadata that lists must have.",
        "type": "object",
        "properties": {
            "resourceVersion": {"type": "string", "description": "Where a watch may begin."},
            "continue": {"type": "string", "description": "The token of the next page."},
            "remainingItemCount": {
                "type": "integer",
                "format": "int64",
                "description": "How many items follow, if that is known.",
            },
        },
    }
