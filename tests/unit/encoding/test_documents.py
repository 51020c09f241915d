"""Lists and metadata-only objects."""

import pytest

from kjournal.encoding.documents import item_of, list_head, list_metadata, partial_of
from kjournal.encoding.negotiate import Representation
from kjournal.encoding.table import IncludeObject
from kjournal.kinds.logs import LOGS

OBJECT = {"kind": "Log", "metadata": {"name": "n", "annotations": {}}, "payload": "x"}


def test_metadata() -> None:
    """A version is text; a token is there only where there is one."""
    assert list_metadata(5) == {"resourceVersion": "5"}
    assert list_metadata(5, "t") == {"resourceVersion": "5", "continue": "t"}


def test_heads() -> None:
    """The list's kind follows from the representation."""
    assert list_head(LOGS, Representation())["kind"] == "LogList"
    partial = list_head(LOGS, Representation("PartialObjectMetadataList", "v1beta1"))
    assert partial["kind"] == "PartialObjectMetadataList"
    assert partial["apiVersion"] == "meta.k8s.io/v1beta1"


@pytest.mark.parametrize("transform", ["", "Table", "PartialObjectMetadataList"])
def test_items(transform: str) -> None:
    """An item is the object, a row of it, or its metadata."""
    form = (Representation(transform), IncludeObject.OBJECT)
    item = item_of(LOGS, OBJECT, 0, 0, form)
    expected = {"": OBJECT, "Table": item, "PartialObjectMetadataList": partial_of(OBJECT, "v1")}
    assert item == expected[transform]
    assert ("cells" in item) is (transform == "Table")
