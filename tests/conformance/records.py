"""What the suite writes and looks for: lines of containers, and a sample of every kind."""

import time
from collections.abc import Callable
from typing import Any

from kjournal.codec import format_micros
from tests.conformance.served import Served
from tests.integration.stories import (
    KINDS,
    NAMESPACED,
    SECOND_US,
    Documents,
    ago,
    container_line,
    path_of,
)

KIND_OF = {
    "containerlogs": "ContainerLog",
    "events": "Event",
    "auditevents": "AuditEvent",
    "logs": "Log",
}
LINES = path_of("containerlogs", "shop")
"""The list that most tests look at."""
EMPTY = path_of("containerlogs", "empty")
"""A list in which nothing ever is."""


def line(served: Served, said: str, **more: Any) -> Documents:
    """Return one line of a container in the namespace `shop`."""
    return [(served.index("containerlogs"), None, container_line(said, **more))]


def lines(served: Served, count: int, **more: Any) -> Documents:
    """Return lines of a container, numbered in the order of their times: line-0000, line-0001."""
    first_us = int((time.time() - 60) * SECOND_US)
    return [
        (
            served.index("containerlogs"),
            None,
            {**container_line(f"line-{at:04}", **more), "@timestamp": format_micros(first_us + at)},
        )
        for at in range(count)
    ]


def sample(served: Served, kind: str) -> Documents:
    """Return two records of a kind, of the namespace `shop` where it has one."""
    return [(served.index(kind), f"{kind}-{at}", _RECORDS[kind](at)) for at in range(2)]


def samples(served: Served) -> Documents:
    """Return two records of each kind."""
    return [document for kind in KINDS for document in sample(served, kind)]


def sample_path(kind: str) -> str:
    """Return the path of the list that holds the samples of a kind."""
    return path_of(kind, "shop" if kind in NAMESPACED else "")


def said(items: list[Any]) -> list[str]:
    """Return what the lines of a list say."""
    return [item["payload"]["log"] for item in items]


def _event(at: int) -> dict[str, Any]:
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {
            "name": "pod-1.17a",
            "namespace": "shop",
            "uid": "feed0000-0000-0000-0000-000000000000",
            "resourceVersion": "424242",
            "creationTimestamp": ago(2 - at),
            "managedFields": [{"manager": "kubelet"}],
            "selfLink": "/api/v1/namespaces/shop/events/pod-1.17a",
        },
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "pod-1"},
        "reason": "Pulled",
        "message": "image pulled",
        "type": "Normal",
        "count": at + 1,
        "lastTimestamp": ago(2 - at),
        "eventTime": "2026-01-02T03:04:05.678Z",
    }


def _audit_event(at: int) -> dict[str, Any]:
    # One request has an event for each of its stages, all with one auditID.
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "0c1d2e3f-0000-4000-8000-000000000000",
        "stage": ("RequestReceived", "ResponseComplete")[at],
        "requestURI": "/api/v1/namespaces/shop/pods/pod-1",
        "verb": "get",
        "user": {"username": "ada", "groups": ["system:authenticated"]},
        "sourceIPs": ["127.0.0.1"],
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "pod-1", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": ago(2 - at),
        "stageTimestamp": ago(2 - at),
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }


def _line(at: int) -> dict[str, Any]:
    return container_line(f"sample {at}", stream="stdout")


def _log(at: int) -> dict[str, Any]:
    return {"@timestamp": ago(2 - at), "host": "node-1", "log": f"sample {at}"}


_RECORDS: dict[str, Callable[[int], dict[str, Any]]] = {
    "containerlogs": _line,
    "events": _event,
    "auditevents": _audit_event,
    "logs": _log,
}
