"""Search answers: checked for being whole, and their hits as records."""

from typing import Any

import attrs

from kjournal.errors import StoreTimeout, StoreUnavailable
from kjournal.query.model import Document, Record
from kjournal.query.paths import event_time_us
from kjournal.store.elasticsearch.failures import shape_error


@attrs.frozen(kw_only=True)
class Answer:
    """A whole answer of a search. `shards` is how many were asked: 0 where no index matches.

    `total` is how many documents match, if that was asked for and was counted to the end.
    """

    hits: list["Hit"]
    shards: int
    skipped: int
    pit_id: str
    aggregations: dict[str, Any]
    total: int | None = None


@attrs.frozen(kw_only=True)
class Hit:
    """The raw element of a search answer; `document` is empty where it was not asked for."""

    index: str
    id: str
    document: Document
    sort: tuple[Any, ...]
    seq_no: int
    term: int
    version: int
    shard: str


def answer_of(body: Any) -> Answer:
    """Return a search answer, which is whole or refused.

    Raises: StoreTimeout or StoreUnavailable for one that is partial or no search answer.
    """
    try:
        shards, hits = body["_shards"], body["hits"]["hits"]
        count = body["hits"].get("total", {"relation": "unknown"})
        total, failed, timed_out = shards["total"], shards["failed"], body["timed_out"]
        answer = Answer(
            hits=[_hit_of(hit) for hit in hits],
            shards=int(total),
            skipped=int(shards.get("skipped", 0)),
            pit_id=body.get("pit_id", ""),
            aggregations=body.get("aggregations", {}),
            total=int(count["value"]) if count["relation"] == "eq" else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise shape_error() from error
    if timed_out:
        raise StoreTimeout("Elasticsearch gave up on a search before its end")
    if failed != 0 or timed_out is not False:
        raise StoreUnavailable(f"{failed} of {total} shards of Elasticsearch failed")
    return answer


def _hit_of(hit: dict[str, Any]) -> Hit:
    document = hit.get("_source", {})
    index, id = hit["_index"], hit["_id"]
    if not (isinstance(document, dict) and isinstance(index, str) and isinstance(id, str)):
        raise TypeError("not a hit")
    return Hit(
        index=index,
        id=id,
        document=document,
        sort=tuple(hit.get("sort", ())),
        seq_no=hit.get("_seq_no", -1),
        term=hit.get("_primary_term", 0),
        version=hit.get("_version", 1),
        shard=hit.get("_shard", ""),
    )


def record_of(hit: Hit, timestamp_fields: tuple[str, ...]) -> Record:
    """Return a hit as the rest of kjournal knows it."""
    return Record(
        index=hit.index,
        id=hit.id,
        time_us=event_time_us(hit.document, timestamp_fields),
        document=hit.document,
        sort=hit.sort,
        updated=hit.version > 1,
    )
