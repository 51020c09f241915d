"""Tables."""

from typing import Any

import pytest

from kjournal.encoding.table import (
    IncludeObject,
    column_definitions,
    parse_include_object,
    table_head,
    table_row,
)
from kjournal.errors import BadRequest
from kjournal.kinds.model import Kind
from kjournal.kinds.registry import KINDS

OBJECT: dict[str, Any] = {"kind": "X", "metadata": {"name": "n", "annotations": {}}}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_columns(kind: Kind) -> None:
    """Five fields each, wide ones with a priority, and a cell for each."""
    definitions = column_definitions(kind)
    for definition in definitions:
        assert list(definition) == ["name", "type", "format", "description", "priority"]
        assert definition["priority"] in (0, 1)
    row = table_row(kind, OBJECT, (0, 0), ("v1", IncludeObject.NONE))
    assert list(row) == ["cells"]
    assert len(row["cells"]) == len(definitions)
    assert table_head(kind, "v1beta1")["apiVersion"] == "meta.k8s.io/v1beta1"


def test_rows() -> None:
    """A row's object has a kind, always."""
    kind = KINDS["logs"]
    partial = table_row(kind, OBJECT, (0, 0), ("v1", IncludeObject.METADATA))["object"]
    assert partial == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": OBJECT["metadata"],
    }
    assert table_row(kind, OBJECT, (0, 0), ("v1", IncludeObject.OBJECT))["object"] is OBJECT


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", IncludeObject.METADATA), ("None", IncludeObject.NONE), ("Object", IncludeObject.OBJECT)],
)
def test_include(text: str, expected: IncludeObject) -> None:
    """Metadata is the default."""
    assert parse_include_object(text) is expected


@pytest.mark.parametrize("text", ["none", "all", " "])
def test_refused(text: str) -> None:
    """An unknown policy is 400."""
    with pytest.raises(BadRequest):
        parse_include_object(text)
