"""One name's list and get at a version, and how many objects a page leaves."""

from urllib.parse import quote

import pytest

from tests.unit.api.serving import Server, server
from tests.unit.api.verbs import LINES, WATCHLIST, listed, version_of


def name_of_line(api: Server, id: str) -> str:
    """Return the name of a line, of any age."""
    everything = api.get(f"{LINES}?fieldSelector={quote('metadata.creationTimestamp>0')}")
    (name,) = [
        item["metadata"]["name"] for item in everything.json["items"] if item["payload"] == id
    ]
    return name


def named(name: str, more: str = "") -> str:
    return f"{LINES}?fieldSelector=metadata.name={name}{more}"


def test_what_came_later(api: Server) -> None:
    """At an exact version before it came, an object is not there; at one after, it is."""
    before = version_of(api)
    api.line("a")
    name = name_of_line(api, "a")
    after = version_of(api)
    exact = "&resourceVersionMatch=Exact&resourceVersion="
    assert listed(api.get(named(name, exact + before))) == []
    found = api.get(named(name, exact + after))
    assert listed(found) == ["a"]
    assert found.json["metadata"]["resourceVersion"] == after


@pytest.mark.parametrize("match", ["&resourceVersionMatch=NotOlderThan", ""])
def test_a_version_that_does_not_come(api: Server, match: str) -> None:
    """It is waited for and then 504, of a list of one name, of all, and of a get."""
    api.line("a")
    name = name_of_line(api, "a")
    future = str(int(version_of(api)) + 10**12)
    for target in (named(name, f"{match}&resourceVersion={future}"),
                   f"{LINES}/{name}?resourceVersion={future}"):  # fmt: skip
        found = api.get(target)
        assert found.status == 0
        for _ in range(50):
            api.tick(0.1)
        assert (found.status, found.headers["retry-after"]) == (504, "1")
        assert found.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


@pytest.mark.parametrize("version", ["", "0", "now"])
def test_a_get_at_a_version(api: Server, version: str) -> None:
    """The latest, any, and not older than: all show the object as it is now."""
    api.line("a")
    name = name_of_line(api, "a")
    asked = version_of(api) if version == "now" else version
    found = api.get(f"{LINES}/{name}?resourceVersion={asked}&resourceVersionMatch=Exact&limit=x")
    assert found.json["payload"] == "a"


@pytest.mark.parametrize("version", ["x", "-1", "01", "1.5"])
def test_a_get_at_none(api: Server, version: str) -> None:
    """What is no version is 400, before it is looked for."""
    assert api.get(f"{LINES}/nobody?resourceVersion={version}").status == 400


def test_one_name_and_a_watch(api: Server) -> None:
    """A list of one name and a watch from it: no gap and nothing twice."""
    api.line("a")
    name = name_of_line(api, "a")
    listed_at = api.get(named(name)).json["metadata"]["resourceVersion"]
    found = api.get(named(name, f"&watch=1&resourceVersion={listed_at}"))
    api.line("b")
    api.tick()
    assert found.frames == []
    api.line("a", payload="again")
    api.tick()
    assert [frame["object"]["payload"] for frame in found.frames] == ["again"]


def test_initial_events_of_one_name(api: Server) -> None:
    """A watch of one name begins with it, however old it is, and with the end's bookmark."""
    api.line("old", -900_000)
    name = name_of_line(api, "old")
    found = api.get(named(name, f"&watch=1{WATCHLIST}"))
    assert [frame["type"] for frame in found.frames] == ["ADDED", "BOOKMARK"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_remaining_items(limit: int) -> None:
    """Each page says how many follow, until none do."""
    api, more = server(), ""
    api.lines(7)
    left = 7
    while True:
        found = api.get(f"{LINES}?limit={limit}{more}").json
        left -= len(found["items"])
        metadata = found["metadata"]
        if left == 0:
            assert {"continue", "remainingItemCount"} & metadata.keys() == set()
            return
        assert metadata["remainingItemCount"] == left
        more = f"&continue={metadata['continue']}"


@pytest.mark.parametrize(
    "query",
    ["limit=2&labelSelector=!a", "limit=2&fieldSelector=pod!=x", "", "limit=0", "limit=9"],
)
def test_no_remaining_items(api: Server, query: str) -> None:
    """Nothing is said with selectors, without a limit, or where nothing follows."""
    api.lines(7)
    assert "remainingItemCount" not in api.get(f"{LINES}?{query}").json["metadata"]


def test_a_store_that_cannot_count(api: Server) -> None:
    """Pages go on without a number then."""
    api.lines(7)
    api.store().exact = False
    metadata = api.get(f"{LINES}?limit=2").json["metadata"]
    assert metadata["continue"]
    assert "remainingItemCount" not in metadata
