"""Who asks the kube-apiserver on kjournal's behalf, and a server that says who asks it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
import yaml
from twisted.internet import reactor
from twisted.internet.task import deferLater

from kjournal.client.connection import KubeConnection, connect
from kjournal.client.kubeconfig import ClusterConfig, load_kubeconfig
from kjournal.config.model import ServingSettings
from tests.rig_fixtures import Kube
from tests.security.stage import RBAC, SERVICE_ACCOUNT, Running, closed, serving


@pytest.fixture(scope="module")
def kubeconfig(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the kubeconfig of a service account that may ask reviews and read the CAs."""
    kube.kubectl("apply", "-f", "-", input=RBAC)
    token = kube.kubectl("create", "token", SERVICE_ACCOUNT).stdout.strip()
    document = yaml.safe_load(Path(kube.env["KUBECONFIG"]).read_text())
    user = document["contexts"][0]["context"]["user"]
    document["users"] = [{"name": user, "user": {"token": token}}]
    path = tmp_path_factory.mktemp("identity") / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(params=["token", "certificate"])
def config(request: pytest.FixtureRequest, kube: Kube, kubeconfig: Path) -> ClusterConfig:
    """Return how the same service account asks: by its token, and by a client certificate."""
    if request.param == "token":
        return load_kubeconfig(kubeconfig)
    return load_kubeconfig(kube.user(f"system:serviceaccount:default:{SERVICE_ACCOUNT}"))


@pytest_twisted.async_yield_fixture
async def connection(config: ClusterConfig) -> AsyncIterator[KubeConnection]:
    """Yield a connection, and close its sockets."""
    opened = connect(config, reactor)
    yield opened
    await closed(opened)


@pytest_twisted.async_yield_fixture
async def running(kube: Kube, kubeconfig: Path) -> AsyncIterator[Running]:
    """Yield a server whose trust comes from the cluster alone."""
    sans = ("DNS:kjournal.kjournal-system.svc", "IP:127.0.0.1")
    certificate, key = kube.serving("kjournal-identity", *sans)
    settings = ServingSettings(tls_cert_file=str(certificate), tls_private_key_file=str(key))
    async with serving(settings, kube.env["KUBE_CA"], kubeconfig) as (server, trust):
        while not trust.known:
            await deferLater(reactor, 0.02)
        yield server


@pytest.fixture(scope="module")
def token(kube: Kube, kubeconfig: Path) -> str:
    """Return a bearer token of the service account."""
    return kube.kubectl("create", "token", SERVICE_ACCOUNT).stdout.strip()
