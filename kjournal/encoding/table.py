"""Tables, as kubectl prints them.

Source: kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from enum import Enum
from typing import Any

from kjournal.errors import BadRequest
from kjournal.kinds.model import Kind, Object, Row


class IncludeObject(Enum):
    """What a row carries of its object."""

    NONE = "None"
    METADATA = "Metadata"
    OBJECT = "Object"


def parse_include_object(text: str) -> IncludeObject:
    """Return what includeObject asks for; Metadata where it says nothing.

    Raises: BadRequest for an unknown policy.
    """
    try:
        return IncludeObject(text or "Metadata")
    except ValueError as error:
        raise BadRequest("includeObject: allowed are None, Metadata and Object") from error


def column_definitions(kind: Kind) -> list[dict[str, Any]]:
    """Return the columns with all five of their fields."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.doc,
            "priority": int(column.wide),
        }
        for column in kind.columns
    ]


def table_head(kind: Kind, version: str) -> Object:
    """Return a Table without its rows and metadata."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "columnDefinitions": column_definitions(kind),
    }


def table_row(
    kind: Kind, obj: Object, times_us: tuple[int, int], form: tuple[str, IncludeObject]
) -> dict[str, Any]:
    """Return one row; `times_us` are the event time and now, `form` the version and the policy."""
    version, include = form
    row = Row(obj, *times_us)
    cells = {"cells": [column.cell(row) for column in kind.columns]}
    if include is IncludeObject.NONE:
        return cells
    if include is IncludeObject.OBJECT:
        return {**cells, "object": obj}
    partial = {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj["metadata"],
    }
    return {**cells, "object": partial}
