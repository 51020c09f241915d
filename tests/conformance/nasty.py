"""Events and audit events as nobody should write them, each of which a Go client must decode."""

from typing import Any

from tests.integration.stories import ago

Documents = list[dict[str, Any]]

MILLIS = "2026-03-01T10:20:30.123Z"
SIX_DIGITS = {
    MILLIS: "2026-03-01T10:20:30.123000Z",
    "2026-03-01T10:20:30Z": "2026-03-01T10:20:30.000000Z",
    "2026-03-01T10:20:30.123456789Z": "2026-03-01T10:20:30.123456Z",
    "2026-03-01T12:20:30.5+02:00": "2026-03-01T10:20:30.500000Z",
}
"""Times as they are stored, and as a MicroTime is written."""


def events(namespace: str) -> Documents:
    """Return events of both versions, each with one part that has not its type."""
    parts: Documents = [
        *({"eventTime": time} for time in SIX_DIGITS),
        {"eventTime": None, "firstTimestamp": MILLIS, "lastTimestamp": "yesterday", "count": "7"},
        {"eventTime": 7, "deprecatedCount": 2**40, "series": {"count": "x", "lastObservedTime": 1}},
        {"series": "twice", "source": "kubelet", "involvedObject": ["pod"], "related": 1},
        {"series": {"count": 2.0, "lastObservedTime": MILLIS}, "message": {"text": "deep"}},
        {"involvedObject": {"kind": 1, "name": ["a"], "uid": {}, "resourceVersion": 12}},
        {"source": {"component": ["a", "b"], "host": 1.5}, "reportingComponent": ["a"]},
        {"note": ["a", "b"], "reason": True, "type": 1, "action": {"a": 1}},
    ]
    metadata: Documents = [
        {"labels": {"a": 1, "b": {"c": True}, "d": None, "e": ["f"]}},
        {"annotations": {"a": {"b": [1, 2]}, "c": 1.5}},
        {"labels": "a=b", "annotations": ["a"], "generation": "x", "ownerReferences": "me"},
        {"managedFields": "x", "finalizers": 1, "deletionTimestamp": "x", "selfLink": 1},
    ]
    common: dict[str, Any] = {"namespace": namespace, "creationTimestamp": ago(60)}
    return [
        *({"reason": "Odd", "metadata": common, **part} for part in parts),
        *({"reason": "Odd", "metadata": {**common, **part}} for part in metadata),
    ]


def audit_events(username: str) -> Documents:
    """Return audit events of a user, each with one part that has not its type."""
    parts: Documents = [
        *({"requestReceivedTimestamp": time} for time in SIX_DIGITS),
        {"requestReceivedTimestamp": 12, "sourceIPs": "10.0.0.1", "userAgent": ["a"]},
        {"user": {"groups": "one", "uid": 1, "extra": {"a": "text"}}},
        {"user": {"extra": {"a": ["text", 1], "b": {"c": "d"}, "e": None}}},
        {"impersonatedUser": "somebody"},
        {"impersonatedUser": {"username": 1, "groups": [1, None], "extra": ["a"]}},
        {"authenticationMetadata": {"impersonationConstraint": 1}},
        {"objectRef": {"resource": 1, "name": {"a": 1}, "resourceVersion": 12}},
        {"objectRef": "pods", "responseStatus": "fine"},
        {"responseStatus": {"code": "200", "status": 1, "message": ["a"]}},
        {"responseStatus": {"code": 2**40, "metadata": "x", "details": "y"}},
        {"responseStatus": {"details": {"name": 1, "causes": "x", "retryAfterSeconds": "y"}}},
        {"responseStatus": {"kind": 1, "apiVersion": 2, "metadata": {"continue": 1}}},
        {"requestObject": "text", "responseObject": [1, 2]},
        {"requestObject": {"kind": "Pod", "spec": {"a": 2**62}}},
        {"annotations": {"a": 1, "b": {"c": "d"}}, "level": 1, "stage": ["a"], "verb": {}},
        {"requestURI": 1, "auditID": 7},
    ]
    common = {"kind": "Event", "level": "Metadata", "stageTimestamp": ago(60)}
    return [
        {**common, **part, "user": {"username": username, **part.get("user", {})}} for part in parts
    ]
