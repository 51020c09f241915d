"""OpenAPI v2 and v3, made from the kinds.

Source: kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition
"""

from collections.abc import Iterable

from kjournal.encoding.operations import (
    OBJECT_MEDIA,
    STATUSES,
    Operation,
    Parameter,
    operations,
    operations_above,
)
from kjournal.encoding.schemas import DISCOVERY, Schemas
from kjournal.kinds.metatypes import STATUS
from kjournal.kinds.model import GROUP, VERSION, Kind, Object
from kjournal.kinds.shape import Struct

_INFO = {
    "title": "kjournal",
    "description": "Logs, events and audit events of a Kubernetes cluster, for reading.",
    "version": VERSION,
}


def openapi_v3(kinds: Iterable[Kind]) -> Object:
    """Return the OpenAPI 3.0 document of the group version."""
    kinds = list(kinds)
    schemas = Schemas("#/components/schemas/", wraps=True)
    found = operations(kinds)
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": {operation.path: _v3_path(operation, schemas) for operation in found},
        "components": {"schemas": schemas.all_of(kinds, _answers(found))},
    }


def openapi_v2(kinds: Iterable[Kind]) -> Object:
    """Return the Swagger 2.0 document of all that is served by the Kubernetes API."""
    kinds = list(kinds)
    schemas = Schemas("#/definitions/", wraps=False)
    found = [*operations_above(), *operations(kinds)]
    return {
        "swagger": "2.0",
        "info": _INFO,
        "paths": {operation.path: _v2_path(operation, schemas) for operation in found},
        "definitions": schemas.all_of(kinds, _answers(found)),
    }


def _answers(found: list[Operation]) -> list[Struct]:
    named = {operation.answer for operation in found}
    return [STATUS, *(struct for struct in DISCOVERY.values() if struct.name in named)]


def _operation(operation: Operation) -> Object:
    shown: Object = {
        "tags": [operation.tag],
        "description": operation.doc,
        "operationId": operation.id,
    }
    if operation.action:
        gvk = {"group": GROUP, "version": VERSION, "kind": operation.kind}
        shown["x-kubernetes-action"] = operation.action
        shown["x-kubernetes-group-version-kind"] = gvk
    return shown


def _v3_path(operation: Operation, schemas: Schemas) -> Object:
    answer = schemas.reference(operation.answer)
    responses = {
        "200": {"description": "OK", "content": _content(operation.media, answer)},
        **{
            str(code): {
                "description": doc,
                "content": _content(OBJECT_MEDIA, schemas.reference(STATUS.name)),
            }
            for code, doc in STATUSES.items()
        },
    }
    path: Object = {"get": {**_operation(operation), "responses": responses}}
    if operation.parameters:
        path["parameters"] = [
            {**_parameter(parameter), "schema": _type(parameter)}
            for parameter in operation.parameters
        ]
    return path


def _content(media: Iterable[str], schema: Object) -> Object:
    return {one: {"schema": schema} for one in media}


def _v2_path(operation: Operation, schemas: Schemas) -> Object:
    responses = {
        "200": {"description": "OK", "schema": schemas.reference(operation.answer)},
        **{
            str(code): {"description": doc, "schema": schemas.reference(STATUS.name)}
            for code, doc in STATUSES.items()
        },
    }
    get = {
        **_operation(operation),
        "produces": list(operation.media),
        "schemes": ["https"],
        "responses": responses,
    }
    path: Object = {"get": get}
    if operation.parameters:
        path["parameters"] = [
            {**_parameter(parameter), **_type(parameter)} for parameter in operation.parameters
        ]
    return path


def _parameter(parameter: Parameter) -> Object:
    shown: Object = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.doc,
    }
    if parameter.place == "path":
        shown["required"] = True
    return shown


def _type(parameter: Parameter) -> Object:
    schema: Object = {"type": parameter.type}
    if parameter.allowed:
        schema["enum"] = list(parameter.allowed)
    return schema
