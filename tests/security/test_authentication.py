"""Who asks, by a real kube-apiserver's own tokens and certificates."""

import base64
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from kjournal.auth.bearer import WEBSOCKET_BEARER
from tests.rig_fixtures import Kube
from tests.security.callers import Caller, Header, lasting
from tests.security.stage import SERVICE_ACCOUNT, Running

USER = f"system:serviceaccount:default:{SERVICE_ACCOUNT}"


@pytest.fixture
def token(kube: Kube, kubeconfig: Path) -> str:
    """Return a token that the kube-apiserver made for a service account."""
    return kube.kubectl("create", "token", SERVICE_ACCOUNT).stdout.strip()


def websocket(token: bytes, *others: str) -> tuple[Header, ...]:
    offered = (WEBSOCKET_BEARER + base64.urlsafe_b64encode(token).decode().rstrip("="), *others)
    return (
        ("Connection", b"Upgrade"),
        ("Upgrade", b"websocket"),
        ("Sec-WebSocket-Protocol", ", ".join(offered).encode()),
    )


async def asked(server: Running, folder: Path, *headers: Header) -> tuple[int, str]:
    caller = Caller(server, folder)
    try:
        return await deferToThread(caller.ask, headers)
    finally:
        caller.close()


@pytest.mark.paragraph("5.3", "a bearer token is whose the TokenReview says")
@pytest.mark.paragraph("5.5", "system:authenticated is there once for a token's user")
@pytest_twisted.ensureDeferred
async def test_a_token_of_the_cluster(running: Running, token: str) -> None:
    code, user = await running.asked({"Authorization": f"Bearer {token}"})
    assert (code, user["name"]) == (200, USER)
    assert user["uid"]
    assert "system:serviceaccounts:default" in user["groups"]
    assert user["groups"].count("system:authenticated") == 1


@pytest.mark.paragraph("5.3", "a bad token is 401, never anonymous")
@pytest.mark.paragraph("5.4", "the message is Unauthorized")
@pytest_twisted.ensureDeferred
async def test_a_token_that_was_changed(running: Running, token: str) -> None:
    bad = {"Authorization": f"Bearer {token[:-8]}AAAAAAAA"}
    assert await running.asked(bad) == (401, {"message": "Unauthorized"})


@pytest.mark.paragraph("5.3", "a WebSocket's token is offered beside another subprotocol")
@pytest_twisted.ensureDeferred
async def test_a_websocket_token(running: Running, token: str, tmp_path: Path) -> None:
    shown = token.encode()
    assert await asked(running, tmp_path, *websocket(shown, "x")) == (200, USER)
    assert await asked(running, tmp_path, *websocket(shown)) == (401, "")
    assert await asked(running, tmp_path, *websocket(b"nobody", "x")) == (401, "")


@pytest.mark.paragraph("5.3", "errors are collected and the chain continues")
@pytest_twisted.ensureDeferred
async def test_a_good_token_beside_a_bad_certificate(
    running: Running, token: str, tmp_path: Path
) -> None:
    caller = Caller(running, tmp_path, (lasting(None, "stranger"),))
    try:
        bearer = ("Authorization", f"Bearer {token}".encode())
        assert await deferToThread(caller.ask, (bearer,)) == (200, USER)
        assert await deferToThread(caller.ask) == (401, "")
    finally:
        caller.close()
