"""The gate: nobody is routed before the guard let them pass."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource

from kjournal.errors import Forbidden, Unauthorized
from tests.conftest import LoggedFailures
from tests.unit.api.serving import ROOT, Server, Step


class Untouched(Resource):
    """Routes that count who gets there."""

    rendered = 0

    def __init__(self) -> None:
        super().__init__()
        self.isLeaf = True

    def render(self, request: Any) -> bytes:
        self.rendered += 1
        return b"{}"


def guarded(api: Server, look: Any, *, authorizes: bool = False) -> Untouched:
    """Put a guard before routes that only count."""
    routes = Untouched()
    api.guarded_by(Step(look, authorizes), routes)
    return routes


@pytest.mark.parametrize("error", [Unauthorized("Unauthorized"), Forbidden("no", kind="logs")])
@pytest.mark.parametrize("target", [f"{ROOT}/logs", "/", "/apis", f"{ROOT}/logs?watch=1"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("authorizes", [False, True])
def test_refused(api: Server, error: Any, target: str, method: str, authorizes: bool) -> None:
    """A refusal is its Status, before anything is routed, and before 405."""

    async def refuse(_: Any) -> None:
        raise error

    routes = guarded(api, refuse, authorizes=authorizes)
    found = api.call(target, method)
    assert (found.status, found.json["reason"]) == (error.code, error.reason)
    assert routes.rendered == 0
    assert "www-authenticate" not in found.headers


def test_leaving(api: Server) -> None:
    """A client that leaves while it is authenticated cancels that, and is routed nowhere."""
    cancelled: list[bool] = []
    waiting: Deferred[None] = Deferred(lambda _: cancelled.append(True))

    async def slow(_: Any) -> None:
        await waiting

    routes = guarded(api, slow)
    api.call(f"{ROOT}/logs").leave()
    assert cancelled == [True]
    assert routes.rendered == 0


def test_broken_guard(api: Server, logged_failures: LoggedFailures) -> None:
    """A guard with a bug lets nobody pass."""

    async def broken(_: Any) -> None:
        raise ZeroDivisionError

    routes = guarded(api, broken)
    assert api.call(f"{ROOT}/logs").status == 500
    assert routes.rendered == 0
    assert len(logged_failures.events) == 1
    logged_failures.clear()
