"""Frames: one line each."""

from typing import Any

import pytest

from kjournal.codec import dump_json, load_json
from kjournal.encoding.frames import MAX_FRAME_BYTES, Framer, error_frame
from kjournal.encoding.negotiate import Representation
from kjournal.encoding.status import status_of
from kjournal.encoding.table import IncludeObject
from kjournal.encoding.truncation import TRUNCATED
from kjournal.errors import Expired
from kjournal.kinds.auditevents import AUDITEVENTS
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
            "metadata": {"resourceVersion": "5"},
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


def long(size: int) -> dict[str, Any]:
    """Return an object whose payload has so many bytes, and whose JSON a few more."""
    return {**OBJECT, "payload": "x" * size}


def test_longest() -> None:
    """A frame of exactly 16 MiB is whole, one of a byte more is cut and says so."""
    made = framer("")
    around = len(made.frame("ADDED", long(0), 1, 2))
    whole = made.frame("ADDED", long(MAX_FRAME_BYTES - around), 1, 2)
    assert len(whole) == MAX_FRAME_BYTES
    assert TRUNCATED.encode() not in whole
    obj = long(MAX_FRAME_BYTES - around + 1)
    cut = made.frame("ADDED", obj, 1, 2)
    assert MAX_FRAME_BYTES - (1 << 17) < len(cut) <= MAX_FRAME_BYTES
    found = load_json(cut)["object"]
    assert found["metadata"]["annotations"] == {TRUNCATED: str(len(dump_json(obj)))}
    assert set(found["payload"]) == {"x"}
    assert obj["metadata"]["annotations"] == {}


@pytest.mark.parametrize("include", IncludeObject)
def test_long_table(include: IncludeObject) -> None:
    """A row that carries its object is cut until its frame fits; cells alone are never long."""
    obj = {**long(9_000_000), "requestURI": "/" * 17_000_000}
    made = Framer(AUDITEVENTS, Representation("Table"), include)
    frame = made.frame("MODIFIED", obj, 1, 2)
    (row,) = load_json(frame)["object"]["rows"]
    if include is not IncludeObject.OBJECT:
        assert len(frame) < 10_000
        return
    assert 1_000_000 < len(frame) <= MAX_FRAME_BYTES
    annotations = row["object"]["metadata"]["annotations"]
    assert annotations[TRUNCATED] == str(len(dump_json(obj)))


def test_long_partial() -> None:
    """Metadata alone is cut only for what it holds itself, and tells the whole object's size."""
    made = framer("PartialObjectMetadata")
    assert TRUNCATED.encode() not in made.frame("ADDED", long(17_000_000), 1, 2)
    obj = long(1000)
    obj["metadata"] = {**OBJECT["metadata"], "annotations": {"long": "x" * 17_000_000}}
    cut = made.frame("ADDED", obj, 1, 2)
    assert len(cut) <= MAX_FRAME_BYTES
    annotations = load_json(cut)["object"]["metadata"]["annotations"]
    assert len(annotations["long"]) > 16_000_000
    assert annotations[TRUNCATED] == str(len(dump_json(obj)))
