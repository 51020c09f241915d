"""What kjournal may read decides what it shows, and a right that is missing never hides a line."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_twisted
from twisted.internet import reactor

from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import StoreUnauthorized
from kjournal.store.elasticsearch.backend import ElasticsearchBackend
from kjournal.store.interfaces import Source
from tests.contract.elasticsearch_rig import EVERYTHING, ask, at_ms, ids, polled
from tests.rig_fixtures import ELASTICSEARCH_VERSION, Teller, build
from tests.rig_servers import Elasticsearch, elasticsearch_recipe

PASSWORD = "rig-password"
READ, DESCRIBE, MONITOR = "read", "view_index_metadata", "monitor"


@pytest.fixture(scope="module")
def secured_url(teller: Teller) -> Iterator[str]:
    """Yield the URL, with a superuser in it, of an Elasticsearch that asks who one is."""
    build(elasticsearch_recipe(ELASTICSEARCH_VERSION), "a real Elasticsearch", teller)
    with tempfile.TemporaryDirectory(prefix="kjournal-es-") as directory:
        server = Elasticsearch(Path(directory), ELASTICSEARCH_VERSION)
        try:
            yield server.up(password=PASSWORD)
        finally:
            server.down()


async def key_of(url: str, rights: dict[str, list[str]]) -> str:
    """Return an API key that has rights on index patterns, and no others."""
    indices = [{"names": [name], "privileges": given} for name, given in rights.items()]
    role = {"role": {"cluster": [], "indices": indices}}
    made = await ask(url, "POST", "_security/api_key", {"name": "k", "role_descriptors": role})
    return str(made["encoded"])


@pytest.mark.elasticsearch
@pytest.mark.parametrize(
    "rights",
    [
        {"r-*": [READ]},
        {"r-*": [READ, DESCRIBE]},
        {"r-*": [READ, MONITOR]},
        {"r-*": [READ], "r-a": [READ, DESCRIBE]},
        {"r-*": [READ], "r-a": [READ, MONITOR]},
        {"r-a": [READ, MONITOR, DESCRIBE], "r-b": [READ]},
    ],
    ids=str,
)
@pytest_twisted.ensureDeferred
async def test_nothing_is_hidden(secured_url: str, rights: dict[str, list[str]]) -> None:
    """Whatever may be searched is listed and followed, also what may not be described."""
    await ask(secured_url, "DELETE", "r-*")
    for name in ("r-a", "r-b"):
        await ask(secured_url, "PUT", name, {"settings": {"number_of_shards": 2}})
        await ask(secured_url, "PUT", f"{name}/_doc/{name}1?refresh=true", {"@timestamp": at_ms(1)})
    parts = urlsplit(secured_url)
    backend = ElasticsearchBackend(
        ElasticsearchSettings(
            urls=(f"http://{parts.hostname}:{parts.port}",),
            api_key=await key_of(secured_url, rights),
        ),
        reactor,
    )
    try:
        store = backend.open_store(Source(kind="containerlogs", index="r-*"))
        position = (await store.poll(None)).position
        assert sorted(await ids(store, 10, at=position)) == ["r-a1", "r-b1"]
        for n in range(2, 12):
            for name in ("r-a", "r-b"):
                await ask(secured_url, "PUT", f"{name}/_doc/{name}{n}", {"@timestamp": at_ms(n)})
        await ask(secured_url, "POST", "r-*/_refresh")
        records, position = await polled(store, position)
        wanted = {f"{name}{n}" for name in ("r-a", "r-b") for n in range(2, 12)}
        assert {record.id for record in records} == wanted
        assert len(records) == len(wanted)
        assert set(await ids(store, 10, at=position)) == wanted | {"r-a1", "r-b1"}
    finally:
        await backend.close()


@pytest.mark.elasticsearch
@pytest_twisted.ensureDeferred
async def test_no_right_is_an_error(secured_url: str) -> None:
    """A key that may read nothing there gets no empty list."""
    parts = urlsplit(secured_url)
    backend = ElasticsearchBackend(
        ElasticsearchSettings(
            urls=(f"http://{parts.hostname}:{parts.port}",),
            api_key=await key_of(secured_url, {"other-*": [READ]}),
        ),
        reactor,
    )
    await ask(secured_url, "PUT", "r-named/_doc/1?refresh=true", {"@timestamp": at_ms(1)})
    try:
        store = backend.open_store(Source(kind="containerlogs", index="r-named"))
        with pytest.raises(StoreUnauthorized):
            await store.list_page(EVERYTHING, limit=1)
        with pytest.raises(StoreUnauthorized):
            await store.poll(None)
    finally:
        await backend.close()
