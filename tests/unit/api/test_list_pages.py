"""Lists in pages: every record once, one moment for all pages, tokens bound to their query."""

from urllib.parse import quote

import pytest

from tests.unit.api.serving import Call, Server
from tests.unit.api.verbs import LINES, listed


def pages(api: Server, target: str, limit: int) -> list[Call]:
    """Return all pages of a list."""
    found = [api.get(f"{target}{'&' if '?' in target else '?'}limit={limit}")]
    while token := found[-1].json["metadata"].get("continue"):
        separator = "&" if "?" in target else "?"
        found.append(api.get(f"{target}{separator}limit={limit}&continue={token}"))
    return found


@pytest.mark.parametrize("limit", [1, 3, 10, 11])
@pytest.mark.parametrize("exact", [True, False])
def test_pages(api: Server, limit: int, exact: bool) -> None:
    """Pages have every record once, full ones but the last, and one version."""
    api.store().exact, api.store().page_records = exact, 4
    for n in range(10):
        api.line(f"keep{n}", n - 500)
        api.line(f"drop{n}", n - 500, namespace="b")
    found = pages(api, LINES, limit)
    assert [p for page in found for p in listed(page)] == [f"keep{n}" for n in range(10)]
    assert all(len(listed(page)) == limit for page in found[:-1])
    assert len({page.json["metadata"]["resourceVersion"] for page in found}) == 1


def test_mostly_rejected(api: Server) -> None:
    """A store that ignores the selector is read on, in growing pages, until the page is full."""
    api.store().exact = False
    api.lines(1000)
    api.line("needle", -1)
    api.line("needle2", -1)
    found = api.get(f"{LINES}?limit=1&fieldSelector=payload%20in%20(needle,needle2)")
    assert listed(found) == ["needle"]
    assert found.json["metadata"]["continue"]
    assert api.store().calls.count("list_page") < 20


def test_mostly_rejected_in_pages(api: Server) -> None:
    """A page that ends in the midst of the store's last one goes on there."""
    api.store().exact = False
    api.lines(40)
    needles = ["n1", "n2", "n3"]
    for number, needle in enumerate(needles):
        api.line(needle, 10.5 * number - 3600)
    found, token = [], ""
    for _ in range(4):
        answer = api.get(
            f"{LINES}?limit=1&fieldSelector=payload%20in%20(n1,n2,n3)&continue={token}"
        )
        found += listed(answer)
        token = answer.json["metadata"].get("continue", "")
        if not token:
            break
    assert (found, token) == (needles, "")


def test_pages_while_written(api: Server) -> None:
    """What is written between two pages is in neither; a watch from their version has it."""
    api.lines(3)
    first = api.get(f"{LINES}?limit=2")
    api.lines(2, begin=3)
    api.line("1", -3599, payload="changed")
    token = first.json["metadata"]["continue"]
    assert listed(api.get(f"{LINES}?limit=2&continue={token}")) == ["2"]
    version = first.json["metadata"]["resourceVersion"]
    watch = api.get(f"{LINES}?watch=1&resourceVersion={version}")
    api.tick()
    assert watch.types == [("ADDED", "3"), ("ADDED", "4"), ("MODIFIED", "changed")]


@pytest.mark.parametrize("time", ["", quote("metadata.creationTimestamp>now-1h")])
def test_slow_pages(api: Server, time: str) -> None:
    """A slow reader of pages misses nothing, though `now` moves beyond what it has not read."""
    begin_s = -3599 if time else -86_399
    for n in range(4):
        api.line(str(n), begin_s + n)
    target = f"{LINES}?fieldSelector={time}" if time else LINES
    first = api.get(f"{target}{'&' if time else '?'}limit=1")
    api.tick(60)
    token = first.json["metadata"]["continue"]
    rest = api.get(f"{target}{'&' if time else '?'}continue={token}")
    assert listed(first) + listed(rest) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    "change",
    [
        ("/namespaces/b/containerlogs", ""),
        ("/containerlogs", ""),
        (LINES, "&labelSelector=x"),
        (LINES, "&fieldSelector=pod=x"),
        ("/logs", ""),
    ],
)
def test_foreign_token(api: Server, change: tuple[str, str]) -> None:
    """A token works for nobody else's query."""
    api.lines(3)
    token = api.get(f"{LINES}?limit=1").json["metadata"]["continue"]
    path, more = change
    found = api.get(f"{path}?limit=1&continue={token}{more}")
    assert found.status == 400
    assert found.json["reason"] == "BadRequest"


def test_expired_tokens(api: Server) -> None:
    """A token is 410 Expired when its snapshot or its checkpoint is gone."""
    api.lines(3)
    token = api.get(f"{LINES}?limit=1").json["metadata"]["continue"]
    api.store().expired.add("s0.3")
    found = api.get(f"{LINES}?limit=1&continue={token}")
    assert (found.status, found.json["reason"], found.json["code"]) == (410, "Expired", 410)
    assert "retry-after" not in found.headers
    api.tick(16 * 60)
    api.get(LINES)
    api.tick(1)
    api.get(LINES)
    assert api.get(f"{LINES}?limit=1&continue={token}").status == 410


def test_garbage_token(api: Server) -> None:
    """A token that nobody made is 400."""
    assert api.get(f"{LINES}?limit=1&continue=abc").status == 400
    assert api.get(f"{LINES}?continue=%C3%BC").status == 400
