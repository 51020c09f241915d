"""X-Remote-* headers by anybody but the front proxy: never make another identity of the caller."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from kjournal.config.model import ServingSettings
from tests.rig_fixtures import Kube
from tests.security.callers import FORGED, Caller, Header, lasting, lasting_authority
from tests.security.stage import Running, serving
from tests.unit.auth.certificates import SERVER_AUTH, Pair

NAME = "front-proxy-client"
PROXY_CA, CLIENT_CA = lasting_authority("proxy-ca"), lasting_authority("client-ca")
PROXY, CAROL = lasting(PROXY_CA, NAME), lasting(CLIENT_CA, "carol")
ENDED = datetime(2021, 1, 1, tzinfo=UTC)
ISSUER_NO_CA = lasting(PROXY_CA, "no-ca")
ANONYMOUS, REFUSED = (200, "system:anonymous"), (401, "")


@pytest_twisted.async_yield_fixture
async def guarded(kube: Kube, kubeconfig: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """Yield a server that believes the two CAs of this file."""
    (tmp_path / "proxy.pem").write_bytes(PROXY_CA.pem)
    (tmp_path / "client.pem").write_bytes(CLIENT_CA.pem)
    settings = ServingSettings(
        cert_dir=str(tmp_path),
        client_ca_file=str(tmp_path / "client.pem"),
        requestheader_client_ca_file=str(tmp_path / "proxy.pem"),
        requestheader_allowed_names=(NAME,),
    )
    async with serving(settings, str(tmp_path / "ca.crt"), kubeconfig) as (server, _):
        yield server


async def taken_for(
    server: Running, folder: Path, presented: Sequence[Pair], headers: Sequence[Header]
) -> tuple[int, str]:
    """Return the answer on a connection of its own."""
    caller = Caller(server, folder, presented)
    try:
        return await deferToThread(caller.ask, headers)
    finally:
        caller.close()


@pytest.mark.paragraph("5.3", "headers make nobody of a caller who is not the front proxy")
@pytest.mark.parametrize(
    ("presented", "expected"),
    [
        pytest.param((), ANONYMOUS, id="no certificate"),
        pytest.param((lasting(lasting_authority("x"), NAME),), REFUSED, id="another CA"),
        pytest.param((lasting(lasting_authority("proxy-ca"), NAME),), REFUSED, id="its namesake"),
        pytest.param((lasting(PROXY_CA, "kubelet"),), REFUSED, id="another name"),
        pytest.param((lasting(PROXY_CA, NAME, until=ENDED),), REFUSED, id="expired"),
        pytest.param((CAROL,), (200, "carol"), id="a user's"),
        pytest.param((lasting(CLIENT_CA, NAME),), (200, NAME), id="a user of the proxy's name"),
        pytest.param((lasting(None, NAME),), REFUSED, id="self-signed"),
        pytest.param((lasting(ISSUER_NO_CA, NAME), ISSUER_NO_CA), REFUSED, id="issuer is no CA"),
        pytest.param((lasting(PROXY_CA, NAME, usages=(SERVER_AUTH,)),), REFUSED, id="a server's"),
        pytest.param((CAROL, PROXY, PROXY_CA), (200, "carol"), id="a user's, then the proxy's"),
        pytest.param((lasting(None, NAME), PROXY, PROXY_CA), REFUSED, id="stranger, then proxy"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_who_is_not_the_front_proxy(
    guarded: Running, tmp_path: Path, presented: tuple[Pair, ...], expected: tuple[int, str]
) -> None:
    assert await taken_for(guarded, tmp_path, presented, FORGED) == expected


@pytest.mark.paragraph("5.3", "the spelling of a header changes nothing")
@pytest.mark.parametrize(
    ("headers", "by_proxy"),
    [
        pytest.param((("x-rEMOTE-uSER", b"eve"),), (200, "eve"), id="case"),
        pytest.param((("X_Remote_User", b"eve"),), REFUSED, id="underscores"),
        pytest.param(
            (("X-Remote-User", b"eve"), ("X-Remote-User", b"admin")), (200, "eve"), id="twice"
        ),
        pytest.param((("X-Remote-User", b"eve, admin"),), (200, "eve, admin"), id="comma"),
        pytest.param((("X-Remote-User", b"\xff\xfe"),), REFUSED, id="no UTF-8"),
        pytest.param((("X-Remote-User", b""),), REFUSED, id="empty"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_odd_headers(
    guarded: Running, tmp_path: Path, headers: tuple[Header, ...], by_proxy: tuple[int, str]
) -> None:
    assert await taken_for(guarded, tmp_path, (), headers) == ANONYMOUS
    assert await taken_for(guarded, tmp_path, (CAROL,), headers) == (200, "carol")
    assert await taken_for(guarded, tmp_path, (PROXY,), headers) == by_proxy
