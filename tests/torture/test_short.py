"""The short form of the torture test: nothing is lost, and nothing comes twice in one process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig_fixtures import ELASTICSEARCH_VERSION, Teller, build
from tests.rig_servers import elasticsearch_recipe
from tests.torture.report import details, table
from tests.torture.runs import Clusters, run_scenario
from tests.torture.scenarios import SCENARIOS
from tests.torture.stage import SHORT

SHORT_FORM = [name for name, scenario in SCENARIOS.items() if scenario.short]


@pytest.fixture(scope="module")
def clusters(teller: Teller) -> Iterator[Clusters]:
    """Yield the clusters, of one node and of three, that the scenarios share."""
    what = f"a real Elasticsearch {ELASTICSEARCH_VERSION}"
    build(elasticsearch_recipe(ELASTICSEARCH_VERSION), what, teller)
    with tempfile.TemporaryDirectory(prefix="kjournal-torture-") as directory:
        clusters = Clusters(Path(directory))
        try:
            yield clusters
        finally:
            clusters.close()


@pytest.mark.elasticsearch
@pytest.mark.parametrize("name", SHORT_FORM)
def test_a_scenario(name: str, clusters: Clusters) -> None:
    """Each watcher sees each document of its view once, whatever happens meanwhile."""
    outcome = run_scenario(SCENARIOS[name], SHORT, clusters)
    assert outcome.shown > 0
    assert outcome.good, f"seed {SHORT.seed}\n{table([outcome])}\n{details(outcome)}"
