"""Section 3.7: watches of Tables, and of metadata only."""

from typing import Any

import pytest

from tests.conformance.records import EMPTY, LINES, line, sample_path, samples
from tests.conformance.served import Served
from tests.conformance.stream import is_initial_end, types_of
from tests.integration.stories import KINDS

VERSIONS = ("v1", "v1beta1")
TABLE = "application/json;as=Table;v={};g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v={};g=meta.k8s.io"
WATCH_LIST = "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


@pytest.fixture(scope="module", autouse=True)
def written(served: Served) -> None:
    """Write samples of every kind."""
    served.write(samples(served))


def begun(served: Served, path: str, accept: str) -> list[Any]:
    with served.watch(f"{path}?{WATCH_LIST}", accept) as stream:
        assert stream.response.headers["Content-Type"] == "application/json"
        return stream.until(is_initial_end)


@pytest.mark.paragraph("3.7", "Each event is a Table of one row; the first has all columns.")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_watch_of_tables(served: Served, kind: str, version: str) -> None:
    accept = TABLE.format(version)
    events = begun(served, sample_path(kind), accept)
    assert types_of(events) == ["ADDED", "ADDED", "BOOKMARK"]
    table = served.json(sample_path(kind), accept)
    columns = table["columnDefinitions"]
    assert events[0]["object"]["columnDefinitions"] == columns
    for event, expected in zip(events, table["rows"], strict=False):
        shown = event["object"]
        assert (shown["kind"], shown["apiVersion"]) == ("Table", f"meta.k8s.io/{version}")
        assert shown.get("columnDefinitions") in (None, [], columns)
        (row,) = shown["rows"]
        assert row["object"] == expected["object"]
        assert len(row["cells"]) == len(columns)


@pytest.mark.paragraph("3.7", "A bookmark's row carries metadata, whatever includeObject says.")
@pytest.mark.parametrize("include", ["None", "Metadata", "Object"])
def test_bookmarks_of_tables(served: Served, include: str) -> None:
    accept = TABLE.format("v1")
    path = f"{EMPTY}?includeObject={include}&{WATCH_LIST}"
    with served.watch(path, accept) as stream:
        event = stream.next()
    assert is_initial_end(event)
    (row,) = event["object"]["rows"]
    assert row["object"]["kind"]
    assert int(row["object"]["metadata"]["resourceVersion"]) > 0


@pytest.mark.paragraph("3.7", "includeObject is honoured.")
@pytest.mark.parametrize(
    ("include", "kind"),
    [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "ContainerLog")],
)
def test_rows_of_watches(served: Served, include: str, kind: str | None) -> None:
    path = f"{LINES}?includeObject={include}"
    with served.watch(path, TABLE.format("v1")) as stream:
        (row,) = stream.next()["object"]["rows"]
    assert (row.get("object") or {}).get("kind") == kind


@pytest.mark.paragraph("3.7", "A live event is a Table as well, with its own version.")
def test_a_live_table(served: Served) -> None:
    version = served.version(LINES)
    with served.watch(f"{LINES}?resourceVersion={version}", TABLE.format("v1")) as stream:
        served.write(line(served, "new"))
        table = stream.next()["object"]
    (row,) = table["rows"]
    shown = row["object"]["metadata"]["resourceVersion"]
    assert table["metadata"]["resourceVersion"] == shown
    assert int(shown) > int(version)


@pytest.mark.paragraph("3.7", "Metadata can be watched, with bookmarks of its own kind.")
@pytest.mark.paragraph("2.8", "The metadata client's watch has metadata only.")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_watch_of_metadata(served: Served, kind: str, version: str) -> None:
    events = begun(served, sample_path(kind), PARTIAL.format(version))
    for event in events:
        obj = event["object"]
        assert obj["kind"] == "PartialObjectMetadata"
        assert obj["apiVersion"] == f"meta.k8s.io/{version}"
        assert set(obj) == {"kind", "apiVersion", "metadata"}
    listed = served.json(sample_path(kind))["items"]
    shown = [event["object"]["metadata"] for event in events[:-1]]
    assert shown[:2] == [item["metadata"] for item in listed[:2]]
