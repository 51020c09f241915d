"""Section 4: resourceVersions, and what a list and a watch from it promise together."""

import re
from typing import Any

import pytest

from tests.conformance.records import EMPTY, LINES, lines, said, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.stream import is_initial_end, version_of
from tests.integration.stories import KINDS, path_of

CANONICAL = re.compile(r"[1-9][0-9]*")
HIGHEST = 2**53 - 1
WATCH_LIST = "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PROMISE = path_of("containerlogs", "promise")
FORMS = ("application/json", TABLE)


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples of every kind."""
    served.write(samples(served))


def versions_in(value: Any) -> list[str]:
    """Return what stands as resourceVersion in any metadata of a document."""
    if isinstance(value, list):
        return [found for member in value for found in versions_in(member)]
    if not isinstance(value, dict):
        return []
    own = value.get("metadata", {})
    found = [own["resourceVersion"]] if "resourceVersion" in own else []
    return found + [inner for member in value.values() for inner in versions_in(member)]


def check_canonical(versions: list[str]) -> None:
    assert versions
    for version in versions:
        assert CANONICAL.fullmatch(version), version
        assert int(version) <= HIGHEST


@pytest.mark.paragraph("4.1", "Every resourceVersion is a positive decimal without leading zeros.")
@pytest.mark.paragraph("4.3", "None is above 2^53-1, which JavaScript still tells apart.")
@pytest.mark.paragraph("4.5", "None is 0.")
@pytest.mark.parametrize("kind", KINDS)
def test_every_version_is_canonical(served: Served, kind: str) -> None:
    path = sample_path(kind)
    item = served.json(path)["items"][0]
    check_canonical([item["metadata"]["resourceVersion"]])
    check_canonical(versions_in(served.json(f"{path}/{item['metadata']['name']}")))
    for accept in FORMS:
        check_canonical(versions_in(served.json(path, accept)))
        check_canonical([served.json(EMPTY, accept)["metadata"]["resourceVersion"]])
        with served.watch(f"{path}?{WATCH_LIST}", accept) as stream:
            check_canonical(versions_in(stream.until(is_initial_end)))


@pytest.mark.paragraph(
    "4.2", "Lists, objects and bookmarks share one line of numbers, which rises."
)
@pytest.mark.parametrize("kind", KINDS)
def test_one_line_of_numbers(served: Served, kind: str) -> None:
    path = sample_path(kind)
    first = served.json(path)
    with served.watch(f"{path}?{WATCH_LIST}") as stream:
        bookmark = version_of(stream.until(is_initial_end)[-1])
    last = int(served.version(path))
    of_items = [int(item["metadata"]["resourceVersion"]) for item in first["items"]]
    numbers = [max(of_items), int(first["metadata"]["resourceVersion"]), bookmark, last]
    assert numbers == sorted(numbers)


@pytest.mark.paragraph("4.4", "A list and a watch from its version: no gap, and no repeat.")
def test_list_and_watch(served: Served) -> None:
    """Also where the watch breaks off, and goes on from any event."""
    served.write(lines(served, 5, namespace="promise"))
    listed = served.json(PROMISE)
    served.write(lines(served, 40, namespace="promise"))
    version, told = listed["metadata"]["resourceVersion"], []
    for at_once in (1, 7, 12, 20):
        with served.watch(f"{PROMISE}?resourceVersion={version}") as stream:
            events = [stream.next() for _ in range(at_once)]
        assert [version_of(event) > int(version) for event in events] == [True] * at_once
        version = events[-1]["object"]["metadata"]["resourceVersion"]
        told += events
    names = [event["object"]["metadata"]["name"] for event in told]
    before = {item["metadata"]["name"] for item in listed["items"]}
    everything = {item["metadata"]["name"] for item in served.json(PROMISE)["items"]}
    assert len(names) == len(set(names)) == 40
    assert set(names) == everything - before


@pytest.mark.paragraph(
    "4.4", "An object has one version, in lists, gets, Tables and initial events."
)
@pytest.mark.parametrize("kind", KINDS)
def test_one_version_of_an_object(served: Served, kind: str) -> None:
    path = sample_path(kind)
    first = {item["metadata"]["name"]: item for item in served.json(path)["items"]}
    assert {item["metadata"]["name"]: item for item in served.json(path)["items"]} == first
    for name, item in first.items():
        assert served.json(f"{path}/{name}") == item
    rows = served.json(f"{path}?includeObject=Object", TABLE)["rows"]
    assert {row["object"]["metadata"]["name"]: row["object"] for row in rows} == first
    with served.watch(f"{path}?{WATCH_LIST}") as stream:
        *events, _ = stream.until(is_initial_end)
    assert {event["object"]["metadata"]["name"]: event["object"] for event in events} == first


@pytest.mark.paragraph("4.4", "In a live event it is the number of the publication instead.")
def test_the_version_of_a_live_event(served: Served) -> None:
    with served.watch(f"{LINES}?resourceVersion={served.version(LINES)}") as stream:
        served.write(lines(served, 1))
        listed = served.json(LINES)["items"]
        event = stream.next()
    (item,) = [item for item in listed if said([item]) == ["line-0000"]]
    assert int(item["metadata"]["resourceVersion"]) < version_of(event)


@pytest.mark.paragraph("4.4", "A line that is late comes to a watch all the same, and once.")
def test_a_late_line(served: Served) -> None:
    """Its time is a minute ago, before the list's version."""
    place = path_of("containerlogs", "late")
    version = served.version(place)
    served.write(lines(served, 3, namespace="late"))
    with served.watch(f"{place}?resourceVersion={version}") as stream:
        events = [stream.next() for _ in range(3)]
    assert sorted(said([event["object"] for event in events])) == [
        f"line-{at:04}" for at in range(3)
    ]


@pytest.mark.paragraph("4.5", "As a request, 0 is any version: lists, gets and watches take it.")
def test_zero_is_any_version(served: Served) -> None:
    item = served.json(f"{LINES}?resourceVersion=0")["items"][0]
    name = item["metadata"]["name"]
    assert served.json(f"{LINES}/{name}?resourceVersion=0") == item
    with served.watch(f"{LINES}?resourceVersion=0") as stream:
        assert stream.next()["object"] == item


@pytest.mark.paragraph("3.2", "Live events have versions of their own, which rise.")
def test_versions_rise(served: Served) -> None:
    place = path_of("containerlogs", "rising")
    version = served.version(place)
    with served.watch(f"{place}?resourceVersion={version}") as stream:
        served.write(lines(served, 30, namespace="rising"))
        events = [stream.next() for _ in range(30)]
    versions = [int(version), *map(version_of, events)]
    assert versions == sorted(set(versions))


@pytest.mark.paragraph("3.4", "Initial events are what a list shows exactly at the bookmark.")
@pytest.mark.parametrize("kind", KINDS)
def test_initial_events_are_consistent(served: Served, kind: str) -> None:
    """As client-go's detector of inconsistencies compares them."""
    with served.watch(f"{sample_path(kind)}?{WATCH_LIST}") as stream:
        *events, end = stream.until(is_initial_end)
    exact = f"resourceVersion={version_of(end)}&resourceVersionMatch=Exact"
    document = served.json(f"{sample_path(kind)}?{exact}")
    assert document["items"] == [event["object"] for event in events]
