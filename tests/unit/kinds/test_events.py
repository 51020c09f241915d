"""Events of both versions, and audit events."""

from typing import Any

import pytest

from kjournal.kinds.mapping import Mapping, field_map_of
from kjournal.kinds.model import Object, Row
from kjournal.kinds.registry import KINDS
from kjournal.query.model import Record

TIME_US = 1_704_067_200_000_000
CORE: dict[str, Any] = {
    "metadata": {"name": "e", "namespace": "a"},
    "involvedObject": {"kind": "Pod", "name": "web", "namespace": "a"},
    "reason": "BackOff",
    "message": "again",
    "source": {"component": "kubelet", "host": "n1"},
    "firstTimestamp": "2024-01-01T00:00:00Z",
    "lastTimestamp": "2024-01-01T00:00:00.999Z",
    "count": "3",
    "type": "Warning",
    "eventTime": None,
    "series": None,
    "related": None,
    "reportingComponent": "",
}
NEW: dict[str, Any] = {
    "metadata": {"namespace": "a"},
    "regarding": {"kind": "Node", "name": "n1"},
    "reason": "Started",
    "note": "hello",
    "eventTime": "2024-01-01T00:00:00.5Z",
    "series": {"count": "7", "lastObservedTime": "2024-01-01T00:00:01Z", "state": "x"},
    "reportingController": "kubelet",
    "deprecatedCount": 2,
    "type": "Normal",
}


def shown(plural: str, document: dict[str, Any]) -> tuple[Object, dict[str, str | int]]:
    """Return object and cells by column."""
    kind = KINDS[plural]
    mapping = Mapping.compile(kind, field_map_of(kind, {}))
    obj = mapping.object_of(Record(index="i", id="1", time_us=TIME_US, document=document), 1)
    assert obj is not None
    row = Row(obj, TIME_US, TIME_US + 61_000_000)
    return obj, {column.name: column.cell(row) for column in kind.columns}


def test_core() -> None:
    """A core/v1 event has the fields of events.k8s.io/v1."""
    obj, cells = shown("events", CORE)
    assert obj["regarding"]["name"] == "web"
    assert obj["note"] == "again"
    assert obj["deprecatedCount"] == 3
    assert obj["deprecatedSource"] == {"component": "kubelet", "host": "n1"}
    assert obj["deprecatedFirstTimestamp"] == "2024-01-01T00:00:00Z"
    assert obj["deprecatedLastTimestamp"] == "2024-01-01T00:00:00Z"
    assert not {"series", "eventTime", "related", "count", "message", "source"} & obj.keys()
    assert (cells["Object"], cells["Count"], cells["Last Seen"]) == ("pod/web", 3, "61s")


def test_new() -> None:
    """MicroTimes have exactly six digits, counts are numbers, unknown members stay."""
    obj, cells = shown("events", NEW)
    assert obj["eventTime"] == "2024-01-01T00:00:00.500000Z"
    assert obj["series"] == {
        "count": 7,
        "lastObservedTime": "2024-01-01T00:00:01.000000Z",
        "state": "x",
    }
    assert (cells["Count"], cells["Last Seen"], cells["Source"]) == (7, "60s", "kubelet")
    assert cells["Object"] == "node/n1"


@pytest.mark.parametrize("series", [None, "x", {}, {"count": None}, {"count": "x"}, {"count": {}}])
def test_odd_series(series: Any) -> None:
    """A series that is none counts as the rest says."""
    _, cells = shown("events", {**NEW, "series": series})
    assert cells["Count"] == 2


AUDIT: dict[str, Any] = {
    "verb": "get",
    "user": {"username": "u", "groups": "one"},
    "objectRef": {"resource": "pods", "namespace": "a", "name": "p"},
    "responseStatus": {"metadata": {}, "code": "404"},
    "requestReceivedTimestamp": "2024-01-01T00:00:00.000001Z",
    "stageTimestamp": 1704067200000,
    "annotations": {"authorization.k8s.io/decision": "allow"},
    "requestURI": "/api?x=y",
    "kind": "Event",
    "apiVersion": "audit.k8s.io/v1",
}


def test_audit() -> None:
    """An audit event has metadata, its own kind, and columns."""
    obj, cells = shown("auditevents", AUDIT)
    assert (obj["kind"], obj["apiVersion"]) == ("AuditEvent", "core.kjournal/v1alpha1")
    assert obj["stageTimestamp"] == "2024-01-01T00:00:00.000000Z"
    assert obj["responseStatus"]["code"] == 404
    assert obj["user"]["groups"] == ["one"]
    assert (cells["Status"], cells["Object"], cells["User"]) == ("404", "a/pods/p", "u")


@pytest.mark.parametrize("missing", list(AUDIT))
@pytest.mark.parametrize("value", [None, "text", []])
def test_audit_odd(missing: str, value: Any) -> None:
    """Any part of it may be missing or odd."""
    document = {**AUDIT, missing: value}
    _, cells = shown("auditevents", document)
    if missing == "responseStatus":
        assert cells["Status"] == ""
    if missing == "objectRef":
        assert cells["Object"] == "/api"
