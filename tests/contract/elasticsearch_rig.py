"""A real Elasticsearch with indices of one test, and the reading of a store to its end."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import attrs
import treq

from kjournal.codec import dump_json, load_json
from kjournal.query.model import Document, Page, PageStart, Position, Query, Record
from kjournal.store.elasticsearch.backend import ElasticsearchBackend
from kjournal.store.interfaces import IStore, Source

EVERYTHING = Query()


def at_ms(ms: int) -> str:
    return f"2023-11-14T22:13:{20 + ms // 1000:02d}.{ms % 1000:03d}Z"


def without_id(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "_id"}


async def ask(url: str, method: str, path: str, body: object = None) -> Any:
    """Return the answer of an Elasticsearch to a raw request; the URL may hold a credential."""
    parts = urlsplit(url)
    response = await treq.request(
        method,
        f"http://{parts.hostname}:{parts.port}/{path}",
        data=None if body is None else dump_json(body),
        headers={"content-type": "application/json"},
        auth=(parts.username, parts.password) if parts.username else None,
        persistent=False,
    )
    answer = load_json(await response.content() or b"{}")
    assert response.code in (200, 201), answer
    return answer


async def write_bulk(
    url: str, documents: Sequence[tuple[str, str | None, Document]], op: str = "index"
) -> None:
    """Write documents, by index and id (one of the store's own, if none), and make them visible."""
    lines = bytearray()
    for index, id, document in documents:
        target = {"_index": index} if id is None else {"_index": index, "_id": id}
        lines += dump_json({op: target}) + b"\n" + dump_json(document) + b"\n"
    response = await treq.post(
        f"{url}/_bulk?refresh=true",
        bytes(lines),
        headers={"content-type": "application/x-ndjson"},
        persistent=False,
    )
    answer = load_json(await response.content())
    assert not answer.get("errors", True), answer


@attrs.define
class Rig:
    """A real node, index names that nobody else uses, and raw requests to it."""

    url: str
    backend: ElasticsearchBackend
    prefix: str = attrs.field(factory=lambda: f"es-{uuid4().hex[:12]}")

    def index(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def store(self, pattern: str = "*", **more: Any) -> IStore:
        source = Source(kind="containerlogs", index=self.index(pattern), **more)
        return self.backend.open_store(source)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        return await ask(self.url, method, path, body)

    async def create(self, name: str, properties: object = None, **settings: Any) -> None:
        mappings = {"properties": properties} if properties else {}
        await self.ask(
            "PUT",
            self.index(name),
            {"settings": {"number_of_replicas": 0, **settings}, "mappings": mappings},
        )

    async def write(self, name: str, documents: Iterable[Document], op: str = "index") -> None:
        index = self.index(name)
        split = [(document.get("_id"), without_id(document)) for document in documents]
        await write_bulk(self.url, [(index, id, document) for id, document in split], op)


async def pages(
    store: IStore, limit: int, query: Query = EVERYTHING, at: Position | None = None
) -> list[Page]:
    got = [await store.list_page(query, limit=limit, at=at)]
    while got[-1].more:
        last = got[-1]
        after = PageStart(snapshot=last.snapshot, after=last.records[-1].sort)
        got.append(await store.list_page(query, limit=limit, at=at, after=after))
    return got


async def ids(
    store: IStore, limit: int, query: Query = EVERYTHING, at: Position | None = None
) -> list[str]:
    got = await pages(store, limit, query, at)
    return [record.id for page in got for record in page.records]


async def polled(store: IStore, position: Position) -> tuple[list[Record], Position]:
    records: list[Record] = []
    while True:
        batch = await store.poll(position)
        records += batch.records
        position = batch.position
        if not batch.more:
            return records, position
