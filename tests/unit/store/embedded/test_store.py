"""A store as tails and catch-ups use it: positions, what lies between them, and their times."""

from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from kjournal.config.model import EmbeddedSettings
from kjournal.errors import StoreRejected
from kjournal.query.model import Page, PageStart, Position, Query
from kjournal.store.embedded.backend import EmbeddedBackend
from kjournal.store.interfaces import IStore, NewDocument, Source

SOURCE = Source(kind="logs", index="*", timestamp_fields=("t",))


async def written(backend: EmbeddedBackend, *ids: str, time: int = 1) -> None:
    await backend.write([NewDocument(index="i", id=id, document={"t": time}) for id in ids])


async def position_of(store: IStore) -> Position:
    return (await store.poll(None)).position


def ids(page: Page) -> list[str]:
    return [record.id for record in page.records]


@pytest_twisted.ensureDeferred
async def test_between_two_polls(tmp_path: Path) -> None:
    """A catch-up is what the one has seen and the other had not; its pages keep both bounds."""
    backend = EmbeddedBackend(
        EmbeddedSettings(path=str(tmp_path / "k.db"), max_age_s=1e11), reactor
    )
    store = backend.open_store(SOURCE)
    await written(backend, "a", "b", time=9)
    since = await position_of(store)
    await written(backend, "c", "d", "a")
    until = await position_of(store)
    await written(backend, "e", "c")
    page = await store.list_page(Query(), limit=2, at=until, beyond=since)
    assert ids(page) == ["c", "d"]
    assert page.more
    after = PageStart(snapshot=page.snapshot, after=page.records[-1].sort)
    rest = await store.list_page(Query(), limit=2, after=after)
    assert (ids(rest), rest.more) == (["a"], False)
    assert rest.records[0].updated
    assert ids(await store.poll(until)) == ["e", "c"]  # type: ignore[arg-type]
    await backend.close()


@pytest_twisted.ensureDeferred
async def test_position_of_a_time(tmp_path: Path) -> None:
    """Before all that was written there is nothing; after it, at most the last second's is left."""
    backend = EmbeddedBackend(
        EmbeddedSettings(path=str(tmp_path / "k.db"), max_age_s=1e11), reactor
    )
    store = backend.open_store(SOURCE)
    assert await store.position_before(10**16) == Position(0)
    await written(backend, "a")
    now_us = int(reactor.seconds() * 1e6)
    assert await store.position_before(now_us - 10**7) == Position(0)
    page = await store.list_page(Query(), limit=9, beyond=await store.position_before(now_us))
    assert ids(page) == ["a"]
    with pytest.raises(StoreRejected):
        await store.list_page(Query(), limit=9, beyond=Position("x"))
    await backend.close()


@pytest_twisted.ensureDeferred
async def test_two_kinds_read_the_same_records(tmp_path: Path) -> None:
    """As `logs` and `containerlogs` on one pattern do: both are shown what is written then."""
    backend = EmbeddedBackend(
        EmbeddedSettings(path=str(tmp_path / "k.db"), max_age_s=1e11), reactor
    )
    stores = [
        backend.open_store(Source(kind=kind, index="*", timestamp_fields=("t",)))
        for kind in ("logs", "containerlogs")
    ]
    await written(backend, "a")
    for store in stores:
        assert ids(await store.list_page(Query(), limit=9)) == ["a"]
    await written(backend, "b")
    for store in stores:
        assert ids(await store.list_page(Query(), limit=9)) == ["a", "b"]
    await backend.close()
