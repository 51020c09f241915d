"""Lists and gets, in bytes: pages, versions, and never a part for a whole."""

from typing import Any
from urllib.parse import quote

import attrs
import pytest

from kjournal.config.model import APISettings
from kjournal.errors import (
    StoreError,
    StoreOverloaded,
    StoreRejected,
    StoreTimeout,
    StoreUnauthorized,
    StoreUnavailable,
)
from tests.unit.api.serving import BEGIN_S, PARTIAL, PARTIAL_LIST, TABLE, Server, server
from tests.unit.api.verbs import LINES, listed


@pytest.mark.parametrize("plural", ["containerlogs", "events", "auditevents", "logs"])
def test_empty(api: Server, plural: str) -> None:
    """An empty list has a kind, an array and a version."""
    found = api.get(f"/{plural}")
    assert found.status == 200
    assert found.headers["content-type"] == "application/json"
    assert found.headers["cache-control"] == "no-cache, private"
    assert found.json["kind"].endswith("List")
    assert found.json["items"] == []
    assert 0 < int(found.json["metadata"]["resourceVersion"]) < 2**53


def test_items(api: Server) -> None:
    """Items are whole objects of the namespace alone, oldest first."""
    api.line("late", -1)
    api.line("early", -2)
    api.line("elsewhere", -3, namespace="a-b")
    found = api.get(LINES).json
    assert [item["payload"] for item in found["items"]] == ["early", "late"]
    for item in found["items"]:
        assert item["kind"] == "ContainerLog"
        assert item["apiVersion"] == "core.kjournal/v1alpha1"
        assert item["metadata"]["namespace"] == "a"
        assert int(item["metadata"]["resourceVersion"]) <= int(found["metadata"]["resourceVersion"])
    assert listed(api.get("/containerlogs")) == ["elsewhere", "early", "late"]


def test_default_range(api: Server) -> None:
    """Without a time in the selector a list begins a day ago; with one, there."""
    api.line("old", -90_000)
    api.line("new", -80_000)
    assert listed(api.get(LINES)) == ["new"]
    selector = quote("metadata.creationTimestamp>now-26h")
    assert listed(api.get(f"{LINES}?fieldSelector={selector}")) == ["old", "new"]
    selector = quote("metadata.creationTimestamp<2030-01-01T00:00:00Z")
    assert listed(api.get(f"{LINES}?fieldSelector={selector}")) == ["old", "new"]


def test_versions(api: Server) -> None:
    """resourceVersion: 0 any, N not older, exactly N only where it is still known."""
    api.lines(2)
    version = int(api.get(LINES).json["metadata"]["resourceVersion"])
    api.line("new", -1)
    assert listed(api.get(f"{LINES}?resourceVersion=0")) == ["0", "1", "new"]
    assert listed(api.get(f"{LINES}?resourceVersion={version}")) == ["0", "1", "new"]
    exact = api.get(f"{LINES}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert listed(exact) == ["0", "1"]
    assert exact.json["metadata"]["resourceVersion"] == str(version)
    assert listed(api.get(f"{LINES}?resourceVersion={version}&limit=500")) == ["0", "1"]
    gone = api.get(f"{LINES}?resourceVersion={version - 1}&resourceVersionMatch=Exact")
    assert (gone.status, gone.json["reason"]) == (410, "Expired")


def test_too_large_version(api: Server) -> None:
    """A version of the future is waited for, and then 504 as clients match it."""
    ahead = int((BEGIN_S + 1) * 1e6)
    soon = api.get(f"{LINES}?resourceVersion={ahead}")
    never = api.get(f"{LINES}?resourceVersion={ahead + 10**12}")
    assert (soon.status, never.status) == (0, 0)
    for _ in range(50):
        api.tick(0.1)
    assert soon.status == 200
    assert int(soon.json["metadata"]["resourceVersion"]) >= ahead
    assert (never.status, never.json["reason"]) == (504, "Timeout")
    assert never.headers["retry-after"] == "1"
    cause = never.json["details"]["causes"][0]
    assert cause["reason"] == "ResourceVersionTooLarge"
    assert cause["message"] == "Too large resource version"


def test_get(api: Server) -> None:
    """A get is the object of the list, the same in every byte."""
    api.lines(2)
    listed = api.get(LINES).json["items"][1]
    assert api.get(f"{LINES}/{listed['metadata']['name']}").json == listed


@pytest.mark.parametrize("path", ["/namespaces/b/containerlogs/{}", LINES + "/{}x", LINES + "/x"])
def test_get_missing(api: Server, path: str) -> None:
    """Another namespace's or nobody's name is 404 with name, group and resource."""
    api.lines(1)
    name = api.get(LINES).json["items"][0]["metadata"]["name"]
    found = api.get(path.format(name))
    asked = path.format(name).rpartition("/")[2]
    assert found.status == 404
    assert found.json["details"] == {
        "name": asked,
        "group": "core.kjournal",
        "kind": "containerlogs",
    }
    assert found.json["message"] == f'containerlogs.core.kjournal "{asked}" not found'


def test_get_by_selector(api: Server) -> None:
    """A list pinned to one name asks the store for its id, of an object of any age."""
    api.line("old", -900_000)
    name = api.get(f"/containerlogs?fieldSelector={quote('metadata.creationTimestamp>0')}")
    name = name.json["items"][0]["metadata"]["name"]
    assert listed(api.get(f"{LINES}?fieldSelector=metadata.name={name}")) == ["old"]
    assert listed(api.get(f"{LINES}?fieldSelector=metadata.name={name},pod=x")) == []
    asked = api.store().queries[-1]
    assert (asked.id, asked.since_us) == ("old", None)
    assert api.get(f"{LINES}/{name}?fieldSelector=metadata.name=other").status == 400


def test_table(api: Server) -> None:
    """A Table has definitions, as many cells, a row object with a kind, and list metadata."""
    api.lines(3)
    found = api.get(f"{LINES}?limit=2", Accept=TABLE).json
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert found["metadata"]["continue"]
    assert found["metadata"]["resourceVersion"]
    assert len(found["rows"]) == 2
    columns = found["columnDefinitions"]
    assert all({*c} == {"name", "type", "format", "description", "priority"} for c in columns)
    assert [c["name"] for c in columns if c["format"] == "name"] == ["Name"]
    for row in found["rows"]:
        assert len(row["cells"]) == len(columns)
        assert row["object"]["kind"] == "PartialObjectMetadata"
    assert api.get(LINES, Accept=TABLE).headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("policy", "kind"),
    [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "ContainerLog")],
)
def test_include_object(api: Server, policy: str, kind: str | None) -> None:
    """IncludeObject decides what a row carries."""
    api.lines(1)
    (row,) = api.get(f"{LINES}?includeObject={policy}", Accept=TABLE).json["rows"]
    assert row.get("object", {}).get("kind") == kind
    assert api.get(f"{LINES}?includeObject=all").status == 400


def test_table_of_one(api: Server) -> None:
    """A get as a Table has one row and the object's version."""
    api.lines(1)
    metadata = api.get(LINES).json["items"][0]["metadata"]
    found = api.get(f"{LINES}/{metadata['name']}", Accept=TABLE).json
    assert found["metadata"]["resourceVersion"] == metadata["resourceVersion"]
    assert len(found["rows"]) == 1


def test_partial(api: Server) -> None:
    """Metadata only: lists as lists, gets as objects, and not the one for the other."""
    api.lines(1)
    found = api.get(LINES, Accept=PARTIAL_LIST).json
    assert found["kind"] == "PartialObjectMetadataList"
    (item,) = found["items"]
    assert sorted(item) == ["apiVersion", "kind", "metadata"]
    name = item["metadata"]["name"]
    assert api.get(f"{LINES}/{name}", Accept=PARTIAL).json == item
    assert api.get(LINES, Accept=PARTIAL).status == 406
    assert api.get(f"{LINES}/{name}", Accept=PARTIAL_LIST).status == 406


def test_warnings(api: Server) -> None:
    """A store's warnings are headers: quoted, without control characters, bounded."""
    api.store().warnings = ('no "index"\r\nX: y', "slow", "slow", "x" * 5000)
    found = api.get(LINES)
    warnings = [value for name, value in found.header_lines if name == "warning"]
    assert warnings == ['299 - "no \\"index\\"  X: y"', '299 - "slow"']
    assert found.json["items"] == []


ERRORS: list[tuple[StoreError, int, str, str | None]] = [
    (StoreUnavailable("cannot reach it"), 503, "ServiceUnavailable", None),
    (StoreTimeout("too slow"), 504, "Timeout", None),
    (StoreOverloaded("busy"), 429, "TooManyRequests", "1"),
    (StoreUnauthorized("refused"), 500, "InternalError", None),
    (StoreRejected("no such index"), 500, "InternalError", None),
]


@pytest.mark.parametrize("method", ["poll", "list_page", "get_records"])
@pytest.mark.parametrize(("error", "code", "reason", "retry"), ERRORS)
def test_store_errors(
    api: Server, method: str, error: StoreError, code: int, reason: str, retry: str | None
) -> None:
    """Every error of a store is a Status, never an empty list."""
    api.line("x")
    name = api.get(LINES).json["items"][0]["metadata"]["name"]
    api.store().next_answers(method, error)
    found = api.get(f"{LINES}/{name}" if method == "get_records" else LINES)
    assert found.status == code
    status = found.json
    assert (status["kind"], status["apiVersion"], status["metadata"]) == ("Status", "v1", {})
    assert (status["status"], status["reason"], status["code"]) == ("Failure", reason, code)
    assert str(error) in status["message"]
    assert found.headers.get("retry-after") == retry
    assert api.get(LINES).status == 200


def test_head(api: Server) -> None:
    """HEAD has the headers of GET and no body."""
    api.lines(1)
    found = api.call("/apis/core.kjournal/v1alpha1/containerlogs", "HEAD")
    assert found.status == 200
    assert found.body == b""


def test_pretty(api: Server) -> None:
    """People get indented JSON, machines one line."""
    assert b"\n" in api.get(f"{LINES}?pretty=true").body
    assert b"\n" in api.get(LINES, User_Agent="curl/8").body
    assert b"\n" not in api.get(f"{LINES}?pretty=false", User_Agent="curl/8").body
    assert b"\n" not in api.get(LINES).body


@pytest.mark.parametrize("stamp", [1e16, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", -1])
def test_odd_times(api: Server, stamp: Any) -> None:
    """A document with an impossible time hurts nobody's list or watch."""
    watch = api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.backend.write("i", "odd", {"metadata": {"namespace": "a"}, "@timestamp": stamp})
    api.line("fine")
    api.tick()
    assert [f["type"] for f in watch.frames] == ["ADDED", "ADDED"]
    assert listed(api.get(LINES)) == ["fine"]
    selector = quote("metadata.creationTimestamp<2030-01-01T00:00:00Z")
    assert api.get(f"{LINES}?fieldSelector={selector}", Accept=TABLE).status == 200


@pytest.mark.parametrize("depth", [300, 1000])
@pytest.mark.parametrize("accept", ["application/json", TABLE])
def test_deep_document(api: Server, depth: int, accept: str) -> None:
    """A document nested beyond reason breaks neither lists nor the tail."""
    deep: dict[str, Any] = {}
    for _ in range(depth):
        deep = {"a": deep}
    watch = api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.line("deep", payload=deep, metadata={"namespace": "a", "labels": deep})
    api.tick()
    assert len(watch.frames) == 1
    assert api.get(LINES).status == 200
    assert len(watch.frames[0]["object"]["payload"]) == 1


def test_field_map(api: Server) -> None:
    """Mapped fields are selected where they are stored."""

    def mapped(settings: APISettings) -> APISettings:
        return attrs.evolve(settings, field_map={"pod": ("k.pod",), "payload": ("log",)})

    api = server(mapped)
    api.line("1", k={"pod": "web"}, log={"level": "info"})
    api.line("2", k={"pod": "db"}, log={"level": "error"})
    assert [
        i["pod"] for i in api.get(f"{LINES}?fieldSelector=payload.level=error").json["items"]
    ] == ["db"]
    assert [i["pod"] for i in api.get(f"{LINES}?fieldSelector=pod!=db").json["items"]] == ["web"]
