"""A real Elasticsearch with indices of one test, and the reading of a store to its end."""

from collections.abc import Iterable
from typing import Any
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

    async def ask(self, method: str, path: str, body: object = None, expected: int = 200) -> Any:
        data = None if body is None else dump_json(body)
        response = await treq.request(
            method,
            f"{self.url}/{path}",
            data=data,
            headers={"content-type": "application/json"},
            persistent=False,
        )
        answer = load_json(await response.content() or b"{}")
        assert response.code in (expected, 201), answer
        return answer

    async def create(self, name: str, properties: object = None, **settings: Any) -> None:
        mappings = {"properties": properties} if properties else {}
        await self.ask(
            "PUT",
            self.index(name),
            {"settings": {"number_of_replicas": 0, **settings}, "mappings": mappings},
        )

    async def write(self, name: str, documents: Iterable[Document], op: str = "index") -> None:
        lines = bytearray()
        for document in documents:
            target: dict[str, object] = {"_index": self.index(name)}
            if "_id" in document:
                document = dict(document)
                target["_id"] = document.pop("_id")
            lines += dump_json({op: target}) + b"\n" + dump_json(document) + b"\n"
        response = await treq.post(
            f"{self.url}/_bulk?refresh=true",
            bytes(lines),
            headers={"content-type": "application/x-ndjson"},
            persistent=False,
        )
        answer = load_json(await response.content())
        assert not answer["errors"], answer


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
