"""Every store that the contract suite runs over, each with a way to write into it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from kjournal.config.model import ElasticsearchSettings, EmbeddedSettings
from kjournal.query.model import Document
from kjournal.store.elasticsearch.backend import ElasticsearchBackend
from kjournal.store.embedded.backend import EmbeddedBackend
from kjournal.store.interfaces import IBackend, IStore, NewDocument, Source
from tests.contract.elasticsearch_rig import Rig, write_bulk

NewDocuments = Sequence[tuple[str, str | None, Document]]
FOREVER_S = 1e11


@attrs.define
class StoreUnderTest:
    """A backend, index names that nobody else uses, and a way to write what is then visible."""

    backend: IBackend
    write: Callable[[NewDocuments], Awaitable[None]]
    prefix: str = attrs.field(factory=lambda: f"c{uuid4().hex[:12]}")

    def index(self, name: str) -> str:
        """Return the whole name of one of the test's indices."""
        return f"{self.prefix}-{name}"

    def source(self, pattern: str = "*", **more: Any) -> Source:
        """Return a source over the test's indices."""
        return Source(kind="containerlogs", index=self.index(pattern), **more)

    def store(self, source: Source | None = None) -> IStore:
        """Return the store of a source; without one, of all the test's indices."""
        return self.backend.open_store(source or self.source())


@pytest.fixture(params=["embedded", pytest.param("elasticsearch", marks=pytest.mark.elasticsearch)])
def store_under_test(request: pytest.FixtureRequest) -> Iterator[StoreUnderTest]:
    """Give each provider in turn."""
    provider: Callable[[pytest.FixtureRequest], StoreUnderTest] = {
        "embedded": _embedded,
        "elasticsearch": _elasticsearch,
    }[request.param]
    subject = provider(request)
    yield subject
    pytest_twisted.blockon(Deferred.fromCoroutine(subject.backend.close()))


def _embedded(request: pytest.FixtureRequest) -> StoreUnderTest:
    folder: Path = request.getfixturevalue("tmp_path")
    settings = EmbeddedSettings(path=str(folder / "k.db"), max_age_s=FOREVER_S)
    backend = EmbeddedBackend(settings, reactor)

    async def write(documents: NewDocuments) -> None:
        await backend.write(
            [NewDocument(index=index, id=id, document=doc) for index, id, doc in documents]
        )

    return StoreUnderTest(backend, write)


def _elasticsearch(request: pytest.FixtureRequest) -> StoreUnderTest:
    url = request.getfixturevalue("elasticsearch_url")
    backend = ElasticsearchBackend(ElasticsearchSettings(urls=(url,)), reactor)

    async def write(documents: NewDocuments) -> None:
        await write_bulk(url, documents)

    subject = StoreUnderTest(backend, write)

    async def remove() -> None:
        response = await treq.delete(f"{url}/{subject.prefix}-*", persistent=False)
        await response.content()

    request.addfinalizer(lambda: pytest_twisted.blockon(Deferred.fromCoroutine(remove())))
    return subject


@pytest_twisted.async_yield_fixture
async def rig(elasticsearch_url: str) -> AsyncIterator[Rig]:
    backend = ElasticsearchBackend(ElasticsearchSettings(urls=(elasticsearch_url,)), reactor)
    rig = Rig(elasticsearch_url, backend)
    yield rig
    await rig.ask("DELETE", f"{rig.prefix}-*")
    await backend.close()
