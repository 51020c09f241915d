"""A gateway before a store, in each of the four ways."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conformance.served import Served, direct_kubeconfig
from tests.conformance.ways import DIRECT, PROXIED, WAYS
from tests.integration.cluster import registered_gateway
from tests.integration.conftest import kubectl, store_named
from tests.integration.stories import config_file, running_gateway
from tests.rig_fixtures import Kube

__all__ = ["DIRECT", "PROXIED", "WAYS", "kubectl"]


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
            kube: Kube = request.getfixturevalue("kube")
            gateway, _ = stack.enter_context(registered_gateway(kube, folder, *flags))
            kubeconfig = kube.user("conformer", "log-readers")
        else:
            gateway = stack.enter_context(running_gateway(folder, *flags))
            kubeconfig = direct_kubeconfig(gateway.url, Path(folder))
        yield Served(way == PROXIED, store, gateway, prefix, kubeconfig)
    store.forget(f"{prefix}-*")
