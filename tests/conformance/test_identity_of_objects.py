"""Sections 8 and 9: names, uids, times and labels of objects, and the shape of audit events."""

import re
from typing import Any

import pytest

from kjournal.codec import parse_time_us
from tests.conformance.records import sample, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.statuses import refused
from tests.conformance.stream import is_initial_end
from tests.integration.stories import KINDS, NAMESPACED, container_line, path_of, until

SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
MICROS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
IDS = ["plain", "With Blank", "ümläut/slash", "..", "%2F", "a" * 150, "-", "A_b.C"]
AUDIT = path_of("auditevents")
WATCH_LIST = "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples, the same ids into two indices, and a line whose labels are all sorts."""
    odd = container_line("odd labels", namespace="labels")
    odd["kubernetes"]["labels"] = {
        "text": "x",
        "number": 7,
        "truth": True,
        "app": {"kubernetes": {"io/name": "web"}},
    }
    ids = [
        (served.index("containerlogs", rest), id, container_line(f"{rest} {at}", namespace="ids"))
        for rest in ("a", "b")
        for at, id in enumerate(IDS)
    ]
    served.write([*samples(served), *ids, (served.index("containerlogs"), None, odd)])


def items(served: Served, path: str) -> list[Any]:
    found: list[Any] = served.json(path)["items"]
    return found


@pytest.mark.paragraph("8.1", "Every object has a name that is a DNS subdomain, and its own.")
@pytest.mark.parametrize("kind", KINDS)
def test_names(served: Served, kind: str) -> None:
    names = [item["metadata"]["name"] for item in items(served, path_of(kind))]
    assert len(names) == len(set(names))
    for name in names:
        assert SUBDOMAIN.fullmatch(name)
        assert len(name) <= 253


@pytest.mark.paragraph("8.2", "One id in two indices is two objects; each is got by its name.")
@pytest.mark.paragraph("8.1", "Whatever an id holds, its object can be asked for.")
def test_ids_of_two_indices(served: Served) -> None:
    place = path_of("containerlogs", "ids")
    found = items(served, place)
    assert len(found) == 2 * len(IDS)
    assert len({item["metadata"]["name"] for item in found}) == len(found)
    assert len({item["metadata"]["uid"] for item in found}) == len(found)
    for item in found:
        assert served.json(f"{place}/{item['metadata']['name']}") == item


@pytest.mark.paragraph("8.2", "Names and uids are the same again after a restart.")
@pytest.mark.parametrize("kind", KINDS)
def test_identity_outlives_the_process(served: Served, kind: str) -> None:
    """The gateway's process is a new one after it; its port is the same."""
    before = items(served, sample_path(kind))
    if kind == KINDS[0]:
        served.gateway.stop()
        served.gateway.start()
        until("it serves again", lambda: served.ask(sample_path(kind)).status == 200)
    assert items(served, sample_path(kind)) == before


@pytest.mark.paragraph(
    "8.3", "uids are there and differ; nothing of a source's bookkeeping is left."
)
@pytest.mark.parametrize("kind", KINDS)
def test_uids(served: Served, kind: str) -> None:
    found = [item["metadata"] for item in items(served, path_of(kind))]
    assert len({metadata["uid"] for metadata in found}) == len(found)
    for metadata in found:
        assert metadata["uid"] != "feed0000-0000-0000-0000-000000000000"
        assert not {"managedFields", "selfLink", "generation"} & set(metadata)


@pytest.mark.paragraph("8.4", "creationTimestamp is RFC 3339 in UTC with whole seconds.")
@pytest.mark.parametrize("kind", KINDS)
def test_creation_timestamps(served: Served, kind: str) -> None:
    for item in items(served, path_of(kind)):
        assert SECONDS.fullmatch(item["metadata"]["creationTimestamp"])


@pytest.mark.paragraph("8.4", "Fields of MicroTime have six fractional digits, others none.")
def test_micro_times(served: Served) -> None:
    for item in items(served, path_of("events")):
        assert item["eventTime"] == "2026-01-02T03:04:05.678000Z"
        assert SECONDS.fullmatch(item["deprecatedLastTimestamp"])
    for item in items(served, AUDIT):
        assert MICROS.fullmatch(item["requestReceivedTimestamp"])
        assert MICROS.fullmatch(item["stageTimestamp"])


@pytest.mark.paragraph("8.5", "Labels and annotations are flat, text to text.")
def test_labels_are_text(served: Served) -> None:
    (item,) = items(served, path_of("containerlogs", "labels"))
    labels = {
        "text": "x",
        "number": "7",
        "truth": "true",
        "app.kubernetes.io/name": "web",
    }
    assert item["metadata"]["labels"] == labels
    for kind in KINDS:
        for other in items(served, path_of(kind)):
            annotations = other["metadata"]["annotations"]
            assert all(isinstance(value, str) for value in annotations.values())


@pytest.mark.paragraph("8.6", "Namespaced objects say their namespace, the others have none.")
@pytest.mark.parametrize("kind", KINDS)
def test_namespaces(served: Served, kind: str) -> None:
    for item in items(served, sample_path(kind)):
        assert item["metadata"].get("namespace") == ("shop" if kind in NAMESPACED else None)
    for item in items(served, path_of(kind)):
        assert bool(item["metadata"].get("namespace")) == (kind in NAMESPACED)


@pytest.mark.paragraph("2.9", "An object is in its own namespace, and in no other.")
@pytest.mark.paragraph("8.6", "A name of another namespace is not found.")
def test_an_object_elsewhere(served: Served) -> None:
    name = items(served, sample_path("containerlogs"))[0]["metadata"]["name"]
    refused(served.ask(f"{path_of('containerlogs', 'bank')}/{name}"), 404)


@pytest.mark.paragraph("8.7", "Nothing comes twice, in a list, over its pages, or in a stream.")
def test_nothing_twice(served: Served) -> None:
    place = path_of("containerlogs", "ids")
    names = [item["metadata"]["name"] for item in items(served, place)]
    assert len(names) == len(set(names))
    paged, token = [], ""
    while True:
        page = served.json(f"{place}?limit=3&continue={token}")
        paged += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    with served.watch(f"{place}?{WATCH_LIST}") as stream:
        *events, _ = stream.until(is_initial_end)
    assert paged == names
    assert [event["object"]["metadata"]["name"] for event in events] == names


def audit_events(served: Served) -> list[Any]:
    wanted = "0c1d2e3f-0000-4000-8000-000000000000"
    return items(served, f"{AUDIT}?fieldSelector=auditID={wanted}")


@pytest.mark.paragraph("9.1", "An audit event has metadata, and the keys of audit.k8s.io/v1.")
@pytest.mark.paragraph("9.3", "Its own kind and version stand in the place of the source's.")
def test_the_shape_of_audit_events(served: Served) -> None:
    _, _, stored = sample(served, "auditevents")[1]
    event = audit_events(served)[1]
    assert (event["kind"], event["apiVersion"]) == ("AuditEvent", "core.kjournal/v1alpha1")
    metadata = event.pop("metadata")
    assert {"name", "uid", "resourceVersion", "creationTimestamp", "annotations"} <= set(metadata)
    assert metadata["annotations"]["kjournal/es-index"] == served.index("auditevents")
    assert "authorization.k8s.io/decision" not in metadata["annotations"]
    assert set(event) == set(stored)
    for key in ("level", "auditID", "stage", "requestURI", "verb", "user", "annotations"):
        assert event[key] == stored[key]


@pytest.mark.paragraph("9.2", "What has a name, a uid and a version can be got, and watched from.")
def test_audit_events_are_objects(served: Served) -> None:
    for event in audit_events(served):
        assert served.json(f"{AUDIT}/{event['metadata']['name']}") == event


@pytest.mark.paragraph("9.4", "The stages of one request share an auditID, and no name.")
def test_names_of_audit_events(served: Served) -> None:
    first, second = audit_events(served)
    assert first["auditID"] == second["auditID"]
    assert first["metadata"]["name"] != second["metadata"]["name"]
    for event in (first, second):
        created = parse_time_us(event["metadata"]["creationTimestamp"])
        stage = parse_time_us(event["stageTimestamp"])
        assert created is not None
        assert stage is not None
        assert created == stage // 1_000_000 * 1_000_000


@pytest.mark.paragraph(
    "9.5", "Audit events are selected by their own fields, in their own spelling."
)
@pytest.mark.parametrize(
    ("selector", "count"),
    [
        ("verb=get", 2),
        ("level=Metadata", 2),
        ("stage=ResponseComplete", 1),
        ("user.username=ada", 2),
        ("user.username=bob", 0),
        ("objectRef.namespace=shop", 2),
        ("objectRef.resource=pods", 2),
        ("objectRef.name=pod-1", 2),
        ("responseStatus.code=200", 2),
        ("auditID=0c1d2e3f-0000-4000-8000-000000000000", 2),
    ],
)
def test_selectors_of_audit_events(served: Served, selector: str, count: int) -> None:
    assert len(items(served, f"{AUDIT}?fieldSelector={selector}")) == count


@pytest.mark.paragraph("9.5", "The old client's spelling, `Verb`, is no field.")
def test_the_old_spelling(served: Served) -> None:
    assert served.ask(f"{AUDIT}?fieldSelector=Verb=get").status == 400
