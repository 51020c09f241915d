"""Records to objects."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kjournal.codec import dump_json
from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.model import Kind, Object, Row
from kjournal.kinds.registry import KINDS
from kjournal.query.clauses import query_of
from kjournal.query.model import Record
from kjournal.query.selectors import parse_fields
from kjournal.query.view import View

TIME_US = 1_700_000_000_123_456


def mapped(
    plural: str,
    document: dict[str, Any],
    configured: dict[str, tuple[str, ...]] | None = None,
    drop: tuple[str, ...] = (),
    time_us: int = TIME_US,
) -> Object | None:
    kind = KINDS[plural]
    record = Record(index="i", id="1", time_us=time_us, document=document)
    mapping = Mapping.compile(kind, field_map_of(kind, configured or {}), drop)
    return mapping.object_of(record, 7)


def test_metadata() -> None:
    """Identity, time in whole seconds, and where it came from."""
    obj = mapped("logs", {"payload": "x"})
    assert obj is not None
    metadata = obj["metadata"]
    assert metadata["creationTimestamp"] == "2023-11-14T22:13:20Z"
    assert metadata["resourceVersion"] == "7"
    assert metadata["annotations"] == {
        "kjournal/es-index": "i",
        "kjournal/timestamp": "2023-11-14T22:13:20.123456Z",
    }
    assert metadata["name"]
    assert metadata["uid"]
    assert "namespace" not in metadata


@pytest.mark.parametrize("namespace", [None, "", 5, ["a"], ["a", "b"], {"a": "b"}, True])
def test_no_namespace(namespace: Any) -> None:
    """A namespace that is not one text belongs to nobody."""
    assert mapped("containerlogs", {"metadata": {"namespace": namespace}}) is None


FLUENT_BIT = {"metadata.namespace": ("kubernetes.namespace_name",)}
TWO_PATHS = {"metadata.namespace": ("k8s.ns", "kubernetes.namespace_name")}


@pytest.mark.parametrize(
    ("configured", "document", "namespace"),
    [
        (FLUENT_BIT, {"kubernetes": {"namespace_name": "a"}}, "a"),
        (FLUENT_BIT, {"kubernetes.namespace_name": "a"}, "a"),
        (
            FLUENT_BIT,
            {"kubernetes.namespace_name": "b", "kubernetes": {"namespace_name": "a"}},
            None,
        ),
        (
            FLUENT_BIT,
            {"kubernetes": {"namespace_name": "a"}, "kubernetes.namespace_name": "b"},
            None,
        ),
        (
            FLUENT_BIT,
            {"kubernetes": {"namespace_name": "a"}, "kubernetes.namespace_name": ""},
            None,
        ),
        (
            FLUENT_BIT,
            {"kubernetes": {"namespace_name": "a"}, "kubernetes.namespace_name": {}},
            None,
        ),
        (
            FLUENT_BIT,
            {"kubernetes": {"namespace_name": "a"}, "kubernetes.namespace_name": "a"},
            "a",
        ),
        (
            FLUENT_BIT,
            {"kubernetes": {"namespace_name": "a"}, "kubernetes.namespace_name": None},
            "a",
        ),
        (TWO_PATHS, {"k8s": {"ns": "a"}, "kubernetes": {"namespace_name": "b"}}, "a"),
        (TWO_PATHS, {"k8s.ns": None, "kubernetes": {"namespace_name": "b"}}, "b"),
        (TWO_PATHS, {"k8s": {"ns": "a"}, "k8s.ns": None, "kubernetes.namespace_name": "b"}, "a"),
        ({}, {"metadata": {"namespace": "a"}, "metadata.namespace": "b"}, None),
    ],
)
def test_forged_namespace(
    configured: dict[str, tuple[str, ...]], document: dict[str, Any], namespace: str | None
) -> None:
    """A document that spells its namespace in two ways, and not alike, belongs to nobody."""
    obj = mapped("containerlogs", document, configured)
    assert (obj and obj["metadata"]["namespace"]) == namespace


def test_lookups() -> None:
    """Records may be kept by mapped fields and by those of the kind, first by the namespace.

    What lies below a free field is named by clients, and so is not among them.
    """
    kind = KINDS["containerlogs"]
    configured = {
        **TWO_PATHS,
        "metadata.labels": ("kubernetes.labels",),
        "metadata.annotations.host": ("kubernetes.host",),
        "payload": (".",),
        "pod": ("kubernetes.pod_name", "pod"),
    }
    found = Mapping.compile(kind, field_map_of(kind, configured)).lookups()
    assert found[0] == ("k8s.ns", "kubernetes.namespace_name")
    assert set(found[1:]) == {
        ("kubernetes.host", "metadata.annotations.host"),
        ("kubernetes.pod_name", "pod"),
        ("container",),
    }
    events = Mapping.compile(KINDS["events"], field_map_of(KINDS["events"], {})).lookups()
    assert events[0] == ("metadata.namespace",)
    assert ("type",) in events
    assert ("regarding.name", "involvedObject.name") in events
    plain = Mapping.compile(kind, field_map_of(kind, {})).lookups()
    assert plain == (("metadata.namespace",), ("pod",), ("container",)), "no line is a key"
    assert not any("count" in path for paths in events for path in paths), "numbers are reshaped"


@pytest.mark.parametrize("kind", KINDS.values())
def test_lookups_are_what_clauses_ask(kind: Kind) -> None:
    """Each way in which records are kept is that of some selector, to the letter."""
    mapping = Mapping.compile(kind, field_map_of(kind, {"metadata.annotations.host": ("h",)}))
    selectors = [f"{name}=x" for name in kind.selectable_fields() if "*" not in name]
    asked = {
        clause.paths
        for selector in (*selectors, "metadata.annotations.host=x")
        if "creationTimestamp" not in selector
        for clause in query_of(
            View(kind="k", namespace="n", fields=parse_fields(selector)), mapping.fields, None
        ).clauses
    }
    assert set(mapping.lookups()) <= asked


def test_fields() -> None:
    """Fields are mapped, first present wins, `.` is the document, `.keyword` its text."""
    document = {"kubernetes": {"pod": "p", "ns": "n", "labels": {"app": {"name": "x"}}}, "log": "l"}
    configured = {
        "metadata.namespace": ("kubernetes.ns.keyword",),
        "metadata.labels": ("kubernetes.labels",),
        "pod": ("missing", "kubernetes.pod"),
        "payload": (".",),
        "metadata.annotations.host": ("host", "kubernetes.ns"),
    }
    obj = mapped("containerlogs", document, configured)
    assert obj is not None
    assert obj["metadata"]["namespace"] == "n"
    assert obj["metadata"]["labels"] == {"app.name": "x"}
    assert obj["metadata"]["annotations"]["host"] == "n"
    assert (obj["pod"], obj["payload"]) == ("p", document)


def test_below() -> None:
    """A field mapped below another replaces that part alone, in its own shape."""
    document = {"log": {"level": "a", "x": 1}, "lvl": "b", "n": "5"}
    obj = mapped("logs", document, {"payload": ("log",), "payload.level": ("lvl",)})
    assert obj is not None
    assert obj["payload"] == {"level": "b", "x": 1}
    event = mapped("events", {**document, "metadata": {"namespace": "a"}}, {"series.count": ("n",)})
    assert event is not None
    assert event["series"] == {"count": 5}
    assert document["log"] == {"level": "a", "x": 1}


def test_dropped() -> None:
    """Dropped fields are gone from the object, and stay in the document."""
    document = {"payload": {"a": {"b": 1, "c": 2}, "d.e": 3}}
    obj = mapped("logs", document, drop=("payload.a.b", "payload.d.e", "payload.none.x"))
    assert obj is not None
    assert obj["payload"] == {"a": {"c": 2}}
    assert document == {"payload": {"a": {"b": 1, "c": 2}, "d.e": 3}}


def test_no_time() -> None:
    """Without an event time, a mapped creation time is shown, else none: Go omits zero times."""
    obj = mapped(
        "logs", {"t": "2024-01-01T00:00:00Z"}, {"metadata.creationTimestamp": ("t",)}, (), 0
    )
    assert obj is not None
    assert obj["metadata"]["creationTimestamp"] == "2024-01-01T00:00:00Z"
    bare = mapped("logs", {}, time_us=0)
    assert bare is not None
    assert "creationTimestamp" not in bare["metadata"]
    assert "kjournal/timestamp" not in bare["metadata"]["annotations"]


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = [field for kind in KINDS.values() for field in kind.fields]
NAMES = {name for field in FIELDS for name in (field.name, *field.sources)}
names = st.sampled_from(sorted({*NAMES, "source", "count", "labels", "annotations"}))


@given(st.dictionaries(names, json, max_size=6), st.dictionaries(names, json, max_size=3))
def test_total(document: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Any document has an object, cells for every column, and is left as it was."""
    document = {**document, "metadata": {"namespace": "a", **metadata}}
    before = dump_json(document)
    for plural, kind in KINDS.items():
        obj = mapped(plural, document)
        assert obj is not None
        dump_json(obj)
        for column in kind.columns:
            cell = column.cell(Row(obj, TIME_US, TIME_US))
            assert isinstance(cell, int if column.type == "integer" else str)
    assert dump_json(document) == before
