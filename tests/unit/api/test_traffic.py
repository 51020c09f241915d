"""How many requests at once, how long they may take, and how they end with kjournal."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from kjournal.api.gate import DEADLINE_S
from kjournal.auth.user import User
from tests.results import pending, started, success
from tests.unit.api.serving import MAX_REQUESTS, Call, Server, Step
from tests.unit.api.verbs import LINES


def hanging(api: Server, count: int) -> tuple[list[Call], Deferred[None]]:
    """Return lists that wait for the store, and what lets them go on."""
    slow: list[Deferred[None]] = [Deferred() for _ in range(count)]
    api.store().next_answers("list_page", *slow)
    found = [api.get(LINES) for _ in range(count)]
    assert [call.status for call in found] == [0] * count
    go_on: Deferred[None] = Deferred()
    go_on.addCallback(lambda _: [each.callback(None) for each in slow])
    return found, go_on


def test_too_many_at_once(api: Server) -> None:
    """What is beyond the limit is 429 and may be tried again in a second; others go on."""
    found, go_on = hanging(api, MAX_REQUESTS)
    refused = api.get(LINES)
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert (refused.json["reason"], refused.json["details"]) == (
        "TooManyRequests",
        {"retryAfterSeconds": 1},
    )
    go_on.callback(None)
    api.tick(0)
    assert [call.status for call in found] == [200] * MAX_REQUESTS
    assert api.traffic.counted == 0
    assert api.get(LINES).status == 200


def test_who_leaves_makes_room(api: Server) -> None:
    """A client that leaves is no longer counted."""
    found, _ = hanging(api, MAX_REQUESTS)
    found[0].leave()
    assert api.get(LINES).status == 200


def test_watches_are_not_counted(api: Server) -> None:
    """Watches are free, and do not take the room of lists."""
    watches = [api.get(f"{LINES}?watch=1") for _ in range(MAX_REQUESTS + 3)]
    assert {call.status for call in watches} == {200}
    assert api.traffic.counted == 0
    hanging(api, MAX_REQUESTS)
    assert api.get(f"{LINES}?watch=1").status == 200


def test_the_masters_are_free(api: Server) -> None:
    """The cluster's own components are served beyond the limit."""

    async def master(request: Any) -> None:
        request.identity = User("root", groups=("system:masters",))

    hanging(api, MAX_REQUESTS)
    api.guarded_by(Step(master))
    assert api.get(LINES).status == 200


@pytest.mark.parametrize(
    ("text", "seconds"), [("", DEADLINE_S), ("0", DEADLINE_S), ("5s", 5.0), ("2m", DEADLINE_S)]
)
def test_the_deadline(api: Server, text: str, seconds: float) -> None:
    """A request ends at the time that it names, or at the server's own, with 504."""
    api.store().next_answers("list_page", Deferred())
    found = api.get(f"{LINES}?timeout={text}")
    api.tick(seconds - 0.5)
    assert found.status == 0
    api.tick(1)
    assert found.status == 504


@pytest.mark.parametrize("text", ["5", "x", "-1s", "1y", "s"])
def test_a_deadline_that_is_none(api: Server, text: str) -> None:
    """It is 400, of a document too; a watch has none."""
    assert api.get(f"{LINES}?timeout={text}").status == 400
    assert api.call(f"/version?timeout={text}").status == 400
    assert api.get(f"{LINES}?watch=1&timeout={text}").status == 200


def test_draining(api: Server) -> None:
    """Requests are served, but no connection outlives its answer."""
    (before,), go_on = hanging(api, 1)
    api.traffic.drain()
    found = api.get(LINES)
    assert (found.status, found.headers["connection"]) == (200, "close")
    assert found.transport.disconnecting
    go_on.callback(None)
    api.tick(0)
    assert (before.status, before.headers["connection"]) == (200, "close")
    assert before.transport.disconnecting


def test_refusing(api: Server) -> None:
    """New requests are 503, to be tried elsewhere; probes and metrics are answered to the end."""
    (before,), go_on = hanging(api, 1)
    api.traffic.drain()
    api.traffic.refuse()
    for target in (LINES, f"{LINES}?watch=1"):
        found = api.get(target)
        assert (found.status, found.headers["retry-after"]) == (503, "1")
        assert found.headers["connection"] == "close"
    assert api.call("/apis").status == 503
    assert [api.call(path).status for path in ("/livez", "/metrics")] == [200, 200]
    go_on.callback(None)
    api.tick(0)
    assert before.status == 200


def test_the_end_of_all(api: Server) -> None:
    """What is in flight is waited for, and not for ever."""
    _, go_on = hanging(api, 1)
    ended = started(api.traffic.ended(api.clock, 60))
    api.tick(30)
    pending(ended)
    go_on.callback(None)
    api.tick(1)
    success(ended)
    hanging(api, 1)
    ended = started(api.traffic.ended(api.clock, 60))
    api.tick(59)
    pending(ended)
    api.tick(2)
    success(ended)


def test_probes_are_not_counted(api: Server) -> None:
    """However much is asked of kjournal, it tells how it is."""
    hanging(api, MAX_REQUESTS)
    assert [api.call(path).status for path in ("/readyz", "/livez", "/metrics")] == [200] * 3
    assert api.call("/apis").status == 429


def test_what_does_not_end_is_cut(api: Server) -> None:
    """What is still in flight in the end is broken off, and looks so."""
    (found,), _ = hanging(api, 1)
    api.traffic.cut()
    assert found.transport.aborted
    assert found.status == 0


def test_what_was_not_read_yet(api: Server) -> None:
    """An answer that is written and not yet sent keeps the end waiting; idle connections do not."""
    found = api.get(LINES)
    api.traffic.channels.add(found.channel)
    api.traffic.drain()
    ended = started(api.traffic.ended(api.clock, 60))
    api.tick(0.2)
    assert not found.transport.disconnecting
    for _ in range(10):
        api.tick(0.1)
    assert found.transport.disconnecting
    pending(ended)
    api.traffic.channels.clear()
    api.tick(1)
    success(ended)
