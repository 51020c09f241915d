"""Events and audit events decode into the Go types whose shape they have, whatever was stored."""

from typing import Any

import pytest

from tests.conformance.clients_fixtures import (
    GoClient,
    go,
    go_old,
    listed,
    namespace,
    write_lines,
)
from tests.conformance.nasty import SIX_DIGITS, audit_events, events
from tests.conformance.served import Served

__all__ = ["go", "go_old", "namespace"]

BEFORE = ["a", "b", "c"]


def write(served: Served, kind: str, mark: str, documents: list[dict[str, Any]]) -> list[str]:
    """Write each document to an index of its own, so that no mapping refuses another's types."""
    served.write(
        [
            (served.index(kind, f"{mark}-{number}"), f"{mark}-{number}", document)
            for number, document in enumerate(documents)
        ]
    )
    return [f"p{mark}-{number}-" for number in range(len(documents))]


def begins(names: list[str]) -> list[str]:
    """Return names up to what tells their index, in order."""
    return sorted(name[: name.rindex("-") + 1] for name in names)


@pytest.mark.paragraph("8.4", "every event decodes into k8s.io/api/events/v1.Event")
def test_every_event_decodes(served: Served, go: GoClient, namespace: str) -> None:
    """A list and a watch give each nasty event, with six digits in its times."""
    wanted = write(served, "events", namespace, events(namespace))
    found = go.ask("typed", served, namespace=namespace, resource="events")
    for items in (found["list"]["items"], found["watched"]):
        assert begins([item["metadata"]["name"] for item in items]) == sorted(wanted)
        assert {item["eventTime"] for item in items} >= set(SIX_DIGITS.values())


@pytest.mark.paragraph("9.3", "every audit event decodes into audit.k8s.io/v1.Event")
def test_every_audit_event_decodes(served: Served, go: GoClient, namespace: str) -> None:
    """A list and a watch give each nasty audit event, with six digits in its times."""
    documents = audit_events(namespace)
    write(served, "auditevents", namespace, documents)
    field = f"user.username={namespace}"
    found = go.ask("typed", served, resource="auditevents", field=field)
    for items in (found["list"]["items"], found["watched"]):
        assert len(items) == len(documents)
        assert {item["user"]["username"] for item in items} == {namespace}
        times = {item["requestReceivedTimestamp"] for item in items}
        assert times >= set(SIX_DIGITS.values())


@pytest.mark.paragraph(
    "2.3", "containerlogs decode into a Go type that a program writes for itself"
)
def test_every_line_decodes(served: Served, go: GoClient, namespace: str) -> None:
    """A list and a watch give each line, with its payload."""
    write_lines(served, namespace, *BEFORE)
    found = go.ask("typed", served, namespace=namespace, resource="containerlogs")
    for items in (found["list"]["items"], found["watched"]):
        assert sorted(item["payload"]["log"] for item in items) == BEFORE


@pytest.mark.paragraph("1.1", "client-go 0.26 finds every kind")
def test_old_discovery_knows_every_kind(served: Served, go_old: GoClient) -> None:
    """The aggregated discovery of its day is gone, and it does with the older one."""
    resources = go_old.ask("discovery", served)["resources"]
    found = {one["name"]: one["kind"] for one in resources}
    assert found == {
        "containerlogs": "ContainerLog",
        "events": "Event",
        "auditevents": "AuditEvent",
        "localauditevents": "LocalAuditEvent",
        "logs": "Log",
    }


@pytest.mark.paragraph("3.3", "client-go 0.26 lists, and watches from there")
def test_the_old_client_lists_and_watches(served: Served, go_old: GoClient, namespace: str) -> None:
    """The list has what was there, the watch what came after it."""
    write_lines(served, namespace, *BEFORE)
    with go_old.start("watch", served, namespace=namespace, live=2) as program:
        assert sorted(program.step("listed")["logs"]) == BEFORE
        write_lines(served, namespace, "d")
        write_lines(served, namespace, "e")
        found = program.step("ended")["events"]
    assert found == [{"type": "ADDED", "log": log} for log in ("d", "e")]


@pytest.mark.paragraph("3.3", "an informer of client-go 0.26 holds what is there and what comes")
def test_the_old_informer_holds_all(served: Served, go_old: GoClient, namespace: str) -> None:
    """Its cache has what was there when it synced, and then a line more, each added once."""
    write_lines(served, namespace, *BEFORE)
    with go_old.start("informer", served, namespace=namespace, live=1) as program:
        assert sorted(program.step("synced")["logs"]) == BEFORE
        write_lines(served, namespace, "d")
        found = program.step("live")
    assert sorted(found["logs"]) == [*BEFORE, "d"]
    assert (found["added"], found["other"]) == (len(BEFORE) + 1, 0)


@pytest.mark.paragraph("8.4", "every event decodes into the types of client-go 0.26")
def test_every_event_decodes_in_the_old_types(
    served: Served, go_old: GoClient, namespace: str
) -> None:
    """A list and a watch give each nasty event to the types of Kubernetes 1.26."""
    write(served, "events", namespace, events(namespace))
    found = go_old.ask("events", served, namespace=namespace)
    names = sorted(item["metadata"]["name"] for item in found["list"]["items"])
    wanted = [item["metadata"]["name"] for item in listed(served, "events", namespace)]
    assert names == sorted(found["watched"]) == sorted(wanted)
    assert len(names) == len(events(namespace))
