"""The stores, gateways and clients of the stories."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.stories import Kubectl, Site, Store, config_file, running_gateway
from tests.rig_fixtures import Teller, build
from tests.rig_servers import CACHE, KUBE_RECIPE

EMBEDDED = "embedded"
ELASTICSEARCH = pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)


@pytest.fixture(scope="session")
def kubectl(teller: Teller) -> Path:
    """Return the kubectl that is built with kube-apiserver."""
    build(KUBE_RECIPE, "kubectl", teller)
    return CACHE / "bin" / "kubectl"


def store_named(name: str, request: pytest.FixtureRequest, folder: Path) -> Store:
    """Return a store by its name; Elasticsearch is started, or the test is skipped."""
    if name == EMBEDDED:
        return Store.embedded(folder)
    return Store.elasticsearch(request.getfixturevalue(f"{name}_url"))


@pytest.fixture(scope="module", params=[EMBEDDED, ELASTICSEARCH])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Give each store in turn."""
    return store_named(request.param, request, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def site(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a gateway before each store; a module's tests share it."""
    folder = tmp_path_factory.mktemp("site")
    prefix = f"site{uuid4().hex[:8]}"
    with running_gateway(
        folder, f"--config={config_file(folder, prefix)}", *store.flags
    ) as gateway:
        yield Site(store, gateway, prefix)
    store.forget(f"{prefix}-*")


@pytest.fixture
def straight(site: Site, kubectl: Path, tmp_path: Path) -> Kubectl:
    """Return kubectl at the site's plain HTTP port."""
    return Kubectl.straight(kubectl, site.url, tmp_path / "cache")
