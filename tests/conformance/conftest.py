"""A gateway before a store, in each of the four ways."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from tests.conformance.served import Served, direct_kubeconfig
from tests.conformance.ways import DIRECT, PROXIED, WAYS
from tests.integration.cluster import ACCOUNT, SYSTEM, discovered, kubeconfig_of_account
from tests.integration.conftest import kubectl, store_named
from tests.integration.stories import config_file, running_gateway, until
from tests.rig_fixtures import Gateway, Kube, free_port

__all__ = ["DIRECT", "PROXIED", "WAYS", "kubectl"]


@attrs.frozen
class Membership:
    """What lets gateways serve a cluster, one after the other: made once, as it takes a while."""

    kube: Kube
    flags: tuple[str, ...]
    reader: Path
    """The kubeconfig of a user who may read every kind."""

    @contextlib.contextmanager
    def gateway(self, folder: Path, *flags: str) -> Iterator[Gateway]:
        """Yield a gateway that kube-apiserver hands requests to."""
        port = free_port()
        with running_gateway(folder, f"--secure-port={port}", *self.flags, *flags) as gateway:
            self.kube.register(f"127.0.0.1:{port}", self.kube.env["KUBE_CA"])
            try:
                until("discovery knows the group", lambda: discovered(self.kube))
                yield gateway
            finally:
                self.kube.kubectl("delete", "apiservice", "v1alpha1.core.kjournal", "--wait=false")


@pytest.fixture(scope="session")
def membership(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Membership:
    """Return what makes a gateway a part of the cluster."""
    names = (f"DNS:{ACCOUNT}.{SYSTEM}.svc", "IP:127.0.0.1")
    certificate, key = kube.serving("kjournal-conformance", *names)
    account = kubeconfig_of_account(kube, tmp_path_factory.mktemp("account"))
    flags = (
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--requestheader-client-ca-file={kube.env['FRONT_PROXY_CA']}",
        f"--requestheader-allowed-names={kube.env['FRONT_PROXY_NAME']}",
        f"--authorization-kubeconfig={account}",
    )
    return Membership(kube, flags, kube.user("conformer", "log-readers"))


@pytest.fixture(scope="module", params=WAYS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Yield a gateway before a store, in each of the four ways; the tests of a module share it."""
    way, name = request.param
    folder = tmp_path_factory.mktemp(f"{way}-{name}")
    store = store_named(name, request, folder)
    prefix = f"conform{uuid4().hex[:8]}"
    flags = (f"--config={config_file(folder, prefix)}", *store.flags)
    with contextlib.ExitStack() as stack:
        if way == PROXIED:
            member: Membership = request.getfixturevalue("membership")
            gateway = stack.enter_context(member.gateway(folder, *flags))
            kubeconfig = member.reader
        else:
            gateway = stack.enter_context(running_gateway(folder, *flags))
            kubeconfig = direct_kubeconfig(gateway.url, Path(folder))
        yield Served(way == PROXIED, store, gateway, prefix, kubeconfig)
    store.forget(f"{prefix}-*")
