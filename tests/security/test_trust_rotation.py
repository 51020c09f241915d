"""Whom to believe changes in a running cluster: the trust follows, on open connections too."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_twisted
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.protocols.portforward import ProxyFactory

from kjournal.auth.trust import NAME
from kjournal.codec import dump_json, load_json
from kjournal.config.model import ServingSettings
from tests.rig_fixtures import Kube
from tests.security.callers import FORGED, Caller, lasting, lasting_authority
from tests.security.stage import SERVICE_ACCOUNT, Running, serving
from tests.unit.auth.certificates import Pair

KEY = "client-ca-file"
WAITED_S = 30


def current(kube: Kube) -> str:
    found = kube.kubectl("get", "configmap", NAME, "-n", "kube-system", "-o", "json").stdout
    return str(load_json(found)["data"][KEY])


def patch(kube: Kube, pem: str) -> None:
    change = dump_json({"data": {KEY: pem}}).decode()
    kube.kubectl("patch", "configmap", NAME, "-n", "kube-system", "-p", change)


async def until_answered(caller: Caller, expected: tuple[int, str]) -> None:
    """Return once the same connection is answered so; fail after half a minute."""
    answer = None
    end_s = reactor.seconds() + WAITED_S
    while reactor.seconds() < end_s:
        answer = await deferToThread(caller.ask)
        if answer == expected:
            return
        await deferLater(reactor, 0.1)
    assert answer == expected


@pytest.mark.paragraph("5.1", "the ConfigMap is followed by a watch, on connections that stay open")
@pytest_twisted.ensureDeferred
async def test_a_ca_comes_and_goes(kube: Kube, running: Running, tmp_path: Path) -> None:
    ca = lasting_authority("added-ca")
    before = await deferToThread(current, kube)
    caller = Caller(running, tmp_path, (lasting(ca, "dave"),))
    try:
        assert await deferToThread(caller.ask) == (401, "")
        await deferToThread(patch, kube, before + ca.pem.decode())
        await until_answered(caller, (200, "dave"))
        await deferToThread(patch, kube, before)
        await until_answered(caller, (401, ""))
    finally:
        await deferToThread(patch, kube, before)
        caller.close()


class CutWire(ProxyFactory):
    """Hands on connections until it is cut; then it takes none, and those that are open end."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._open: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        built = super().buildProtocol(addr)
        self._open.append(built)
        return built

    def cut(self) -> None:
        for each in self._open:
            if each.transport is not None:
                each.transport.abortConnection()


def pair_in(certificate: str, key: str) -> Pair:
    private: Any = load_pem_private_key(Path(key).read_bytes(), None)
    return Pair(x509.load_pem_x509_certificate(Path(certificate).read_bytes()), private)


@pytest.mark.paragraph("5.1", "while the cluster is gone the last good trust stays")
@pytest.mark.paragraph("5.3", "no token is believed that nobody can be asked about")
@pytest_twisted.ensureDeferred
async def test_the_kube_apiserver_goes_away(kube: Kube, kubeconfig: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(kubeconfig.read_text())
    cluster = document["clusters"][0]["cluster"]
    where = urlsplit(cluster["server"])
    wire = CutWire(where.hostname or "", where.port or 443)
    listening = reactor.listenTCP(0, wire, interface="127.0.0.1")
    cluster["server"] = f"https://127.0.0.1:{listening.getHost().port}"
    through = tmp_path / "through.kubeconfig"
    through.write_text(yaml.safe_dump(document))
    token = kube.kubectl("create", "token", SERVICE_ACCOUNT).stdout.strip().encode()
    bearer = (("Authorization", b"Bearer " + token),)
    proxy = pair_in(kube.env["FRONT_PROXY_CERT"], kube.env["FRONT_PROXY_KEY"])
    settings = ServingSettings(cert_dir=str(tmp_path))
    async with serving(settings, str(tmp_path / "ca.crt"), through) as (server, trust):
        while not trust.known:
            await deferLater(reactor, 0.02)
        vouching, asking = Caller(server, tmp_path, (proxy,)), Caller(server, tmp_path)
        try:
            assert await deferToThread(vouching.ask, FORGED) == (200, "admin")
            known = trust.trust
            await listening.stopListening()
            wire.cut()
            assert await deferToThread(asking.ask, bearer) == (401, "")
            assert await deferToThread(vouching.ask, FORGED) == (200, "admin")
            assert trust.trust == known
        finally:
            vouching.close()
            asking.close()
