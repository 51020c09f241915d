"""The stores and clients of the stories."""

from pathlib import Path

import pytest

from tests.integration.stories import Store
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
