"""Lists that go on: at another process, after their snapshot, and at a resourceVersion."""

import pytest
from twisted.internet.defer import Deferred, succeed

from kjournal.errors import CursorExpired
from tests.unit.api.serving import PARTIAL_LIST, TABLE, Call, Server, server
from tests.unit.api.verbs import LINES, listed


def token_of(call: Call) -> str:
    token: str = call.json["metadata"].get("continue", "")
    return token


def version_of(call: Call) -> int:
    return int(call.json["metadata"]["resourceVersion"])


def all_pages(call: Call, *servers: Server) -> list[Call]:
    """Return a list's pages, each asked of the next process."""
    found = [call]
    while token := token_of(found[-1]):
        api = servers[len(found) % len(servers)]
        found.append(api.get(f"{LINES}?limit=2&continue={token}"))
    return found


def test_at_another_process(api: Server) -> None:
    """With a shared key any process gives the next page, of the same moment and version."""
    other = server(beside=api)
    api.lines(7)
    first = api.get(f"{LINES}?limit=2")
    api.lines(3, begin=7)
    api.tick()
    found = all_pages(first, api, other)
    assert [p for page in found for p in listed(page)] == [str(n) for n in range(7)]
    assert len({version_of(page) for page in found}) == 1
    assert other.store().calls.count("list_page") == 2


def test_a_watch_after_pages_of_two_processes(api: Server) -> None:
    """The list's version is good to watch from at the other process: nothing is missed."""
    other = server(beside=api)
    api.lines(3)
    first = api.get(f"{LINES}?limit=2")
    api.line("between")
    last = other.get(f"{LINES}?limit=2&continue={token_of(first)}")
    watch = other.get(f"{LINES}?watch=1&resourceVersion={version_of(last)}")
    api.line("after")
    other.tick()
    assert {"between", "after"} <= {payload for _, payload in watch.types}


def test_with_another_key(api: Server) -> None:
    """Without one it is 410: clients list again then, and only then."""
    other = server(beside=api, token_key=b"x" * 32)
    api.lines(3)
    found = other.get(f"{LINES}?limit=2&continue={token_of(api.get(f'{LINES}?limit=2'))}")
    assert (found.status, found.json["reason"]) == (410, "Expired")
    assert "continue" not in found.json["metadata"]


@pytest.mark.parametrize("accept", ["application/json", TABLE, PARTIAL_LIST])
def test_the_snapshot_is_gone(api: Server, accept: str) -> None:
    """410 with a token that goes on after the same key, of another moment: nothing is missing."""
    api.lines(5)
    first = api.get(f"{LINES}?limit=2")
    version = version_of(first)
    api.store().expired.add("s0.5")
    api.line("new", -3597.5)
    api.line("newest", -1)
    api.line("early", -3600.5)
    gone = api.get(f"{LINES}?limit=2&continue={token_of(first)}", Accept=accept)
    status = gone.json
    assert (gone.status, status["kind"], status["reason"]) == (410, "Status", "Expired")
    assert "The provided continue parameter is too old" in status["message"]
    rest = all_pages(api.get(f"{LINES}?limit=2&continue={token_of(gone)}"), api)
    assert [p for page in rest for p in listed(page)] == ["2", "new", "3", "4", "newest"]
    assert len({version_of(page) for page in rest}) == 1
    assert version_of(rest[0]) > version
    watch = api.get(f"{LINES}?watch=1&resourceVersion={version_of(rest[-1])}")
    assert watch.frames == []


def test_the_snapshot_is_gone_at_another_process(api: Server) -> None:
    """It goes on there as well as here."""
    other = server(beside=api)
    api.lines(5)
    first = api.get(f"{LINES}?limit=2")
    other.store().expired.add("s0.5")
    gone = other.get(f"{LINES}?limit=2&continue={token_of(first)}")
    assert gone.status == 410
    other.store().expired.clear()
    rest = all_pages(api.get(f"{LINES}?limit=2&continue={token_of(gone)}"), other, api)
    assert [p for page in rest for p in listed(page)] == ["2", "3", "4"]


def test_the_token_of_a_410_is_bound_to_its_query(api: Server) -> None:
    """As all tokens are."""
    api.lines(3)
    first = api.get(f"{LINES}?limit=2")
    api.store().expired.add("s0.3")
    token = token_of(api.get(f"{LINES}?limit=2&continue={token_of(first)}"))
    assert api.get(f"/namespaces/b/containerlogs?limit=2&continue={token}").status == 400
    assert api.get(f"{LINES}?limit=2&labelSelector=a&continue={token}").status == 400


def test_the_snapshot_goes_in_the_midst_of_a_page(api: Server) -> None:
    """Nothing of that page was sent: the token is that of its beginning."""
    api.store().page_records = 1
    api.lines(5)
    first = api.get(f"{LINES}?limit=2")
    api.store().next_answers("list_page", succeed(None), CursorExpired("gone"))
    gone = api.get(f"{LINES}?limit=2&continue={token_of(first)}")
    assert gone.status == 410
    assert listed(api.get(f"{LINES}?limit=2&continue={token_of(gone)}")) == ["2", "3"]


def test_the_snapshot_goes_after_the_first_byte(api: Server) -> None:
    """What was sent cannot be taken back: the connection breaks, and no Status is in the body."""
    api.lines(1100)
    first = api.get(f"{LINES}?limit=1")
    gone: Deferred[None] = Deferred()
    api.store().page_records = 300
    api.store().next_answers("list_page", *[succeed(None) for _ in range(3)], gone)
    found = api.get(f"{LINES}?limit=1000&continue={token_of(first)}")
    gone.errback(CursorExpired("gone"))
    api.tick(0)
    assert found.status == 200
    assert found.transport.aborted
    assert not found.whole


def test_a_list_that_begins_is_no_410(api: Server) -> None:
    """Without a token there is nothing to go on from: the store's fault is told as one."""
    api.lines(1)
    api.store().next_answers("list_page", CursorExpired("gone"))
    found = api.get(LINES)
    assert found.status == 410
    assert "continue" not in found.json["metadata"]


def written(api: Server) -> int:
    """Return a version between two lines."""
    api.line("0", -2)
    version = version_of(api.get(LINES))
    api.line("1", -1)
    api.tick()
    return version


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ["0", "1"]),
        ("&resourceVersionMatch=NotOlderThan", ["0", "1"]),
        ("&resourceVersionMatch=Exact", ["0"]),
        ("&limit=10", ["0"]),
        ("&limit=10&resourceVersionMatch=NotOlderThan", ["0", "1"]),
        ("&limit=10&resourceVersionMatch=Exact", ["0"]),
    ],
)
def test_at_a_version(api: Server, more: str, expected: list[str]) -> None:
    """Exact is that moment, NotOlderThan the present; a limit alone means exact, as it always did.

    Source: kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list
    """
    version = written(api)
    found = api.get(f"{LINES}?resourceVersion={version}{more}")
    assert listed(found) == expected
    assert (version_of(found) == version) == (expected == ["0"])


def test_exact_pages(api: Server) -> None:
    """All pages of an exact list are of that moment."""
    api.lines(4)
    version = version_of(api.get(LINES))
    api.lines(3, begin=4)
    api.tick()
    first = api.get(f"{LINES}?limit=2&resourceVersion={version}&resourceVersionMatch=Exact")
    found = all_pages(first, api)
    assert [p for page in found for p in listed(page)] == ["0", "1", "2", "3"]
    assert {version_of(page) for page in found} == {version}


@pytest.mark.parametrize("more", ["&resourceVersionMatch=Exact", "&limit=10"])
def test_exact_of_another_process(api: Server, more: str) -> None:
    """A version of another process, or of an event within a batch, has no exact list here: 410."""
    other = server(beside=api)
    version = written(api)
    other.get(LINES)
    other.tick()
    other.get(LINES)
    found = other.get(f"{LINES}?resourceVersion={version}{more}")
    assert (found.status, found.json["reason"]) == (410, "Expired")
    assert (
        f"The resourceVersion for the provided list is too old: {version}"
        in (found.json["message"])
    )


def test_exact_of_the_future(api: Server) -> None:
    """Exact at a version that nobody gave is 410; with a limit alone the present may reach it."""
    version = version_of(api.get(LINES)) + 10**6
    exact = api.get(f"{LINES}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert exact.status == 410
    soon = api.get(f"{LINES}?resourceVersion={version}&limit=5")
    assert soon.status == 0
    for _ in range(30):
        api.tick(0.1)
    assert soon.status == 200
    assert version_of(soon) >= version


@pytest.mark.parametrize("match", ["NotOlderThan", "Exact"])
def test_match_without_a_version(api: Server, match: str) -> None:
    """It says nothing then, and is refused."""
    found = api.get(f"{LINES}?resourceVersionMatch={match}")
    assert found.status in (400, 422)


def test_exact_at_zero(api: Server) -> None:
    """Any moment cannot be exact."""
    assert api.get(f"{LINES}?resourceVersion=0&resourceVersionMatch=Exact").status in (400, 422)
