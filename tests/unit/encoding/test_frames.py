"""Frames: one line each."""

from typing import Any

import pytest

from kjournal.codec import load_json
from kjournal.encoding.frames import Framer, error_frame
from kjournal.encoding.negotiate import Representation
from kjournal.encoding.status import status_of
from kjournal.encoding.table import IncludeObject
from kjournal.errors import Expired
from kjournal.kinds.logs import LOGS

OBJECT: dict[str, Any] = {
    "kind": "Log",
    "apiVersion": "core.kjournal/v1alpha1",
    "metadata": {"name": "n", "resourceVersion": "5", "annotations": {}},
    "payload": "two\nlines \u2028 ü",
}


def framer(transform: str, include: IncludeObject = IncludeObject.METADATA) -> Framer:
    return Framer(LOGS, Representation(transform), include)


@pytest.mark.parametrize("transform", ["", "Table", "PartialObjectMetadata"])
def test_one_line(transform: str) -> None:
    """Every frame is one line of JSON, whatever the payload says."""
    made = framer(transform)
    for data in (
        made.frame("ADDED", OBJECT, 1, 2),
        made.bookmark(5),
        made.bookmark(5, initial_end=True),
    ):
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1
        assert set(load_json(data)) == {"type", "object"}


def test_bookmark() -> None:
    """A bookmark is of the watched kind, with a version alone."""
    found = load_json(framer("").bookmark(5))
    assert found == {
        "type": "BOOKMARK",
        "object": {
            "kind": "Log",
            "apiVersion": "core.kjournal/v1alpha1",
            "metadata": {"resourceVersion": "5", "creationTimestamp": None},
        },
    }


@pytest.mark.parametrize("include", IncludeObject)
def test_table_bookmark(include: IncludeObject) -> None:
    """The end mark of a Table watch carries metadata whatever rows include."""
    table = load_json(framer("Table", include).bookmark(5, initial_end=True))["object"]
    (row,) = table["rows"]
    assert row["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert table["metadata"] == {"resourceVersion": "5"}


def test_error() -> None:
    """An ERROR is a Status."""
    found = load_json(error_frame(status_of(Expired("m"))))
    assert (found["type"], found["object"]["code"]) == ("ERROR", 410)


def test_shared() -> None:
    """Equal representations have equal framers, by which frames are shared."""
    assert framer("Table") == framer("Table")
    assert hash(framer("Table")) == hash(framer("Table"))
    assert framer("Table") != framer("Table", IncludeObject.NONE)
