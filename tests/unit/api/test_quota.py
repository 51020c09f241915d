"""How much one user may take: the others are served on."""

from typing import Any

import pytest

from kjournal.auth.user import ANONYMOUS, User
from tests.unit.api.serving import LIMITS, Call, Server, Step
from tests.unit.api.test_traffic import hanging
from tests.unit.api.verbs import LINES

WATCH = f"{LINES}?watch=1"


def as_user(api: Server, name: str, *groups: str) -> None:
    async def named(request: Any) -> None:
        request.identity = User(name, groups=groups)

    api.guarded_by(Step(named))


def asked(api: Server, path: str, count: int) -> list[Call]:
    return [api.get(path) for _ in range(count)]


@pytest.mark.parametrize("name", ["alice", ANONYMOUS.name])
def test_one_user_leaves_room_for_others(api: Server, name: str) -> None:
    as_user(api, name)
    hanging(api, LIMITS.requests_per_user)
    refused = api.get(LINES)
    assert (refused.status, refused.headers["retry-after"]) == (429, "1")
    assert "of one user" in refused.json["message"]
    as_user(api, "bob")
    assert api.get(LINES).status == 200


def test_watches_of_one_user(api: Server) -> None:
    """They have a limit of their own, and who leaves makes room."""
    as_user(api, "alice")
    watches = asked(api, WATCH, LIMITS.watches_per_user)
    assert {call.status for call in watches} == {200}
    assert api.get(WATCH).status == 429
    assert api.get(LINES).status == 200
    as_user(api, "bob")
    assert {call.status for call in asked(api, WATCH, 2)} == {200}
    assert api.get(WATCH).status == 429
    watches[0].leave()
    assert api.get(WATCH).status == 200


def test_the_masters_have_no_limit(api: Server) -> None:
    as_user(api, "root", "system:masters")
    assert {call.status for call in asked(api, WATCH, LIMITS.watches + 3)} == {200}


def test_on_the_loopback_everybody_is_one_user_without_a_share(api: Server) -> None:
    assert {call.status for call in asked(api, WATCH, LIMITS.watches)} == {200}
    assert api.get(WATCH).status == 429


def test_who_has_nothing_open_is_forgotten(api: Server) -> None:
    for name in ("alice", "bob", "carol"):
        as_user(api, name)
        assert api.get(LINES).status == 200
        watch = api.get(WATCH)
        assert api.traffic._watches.users == 1
        watch.leave()
    assert (api.traffic._watches.users, api.traffic._requests.users) == (0, 0)
