"""The queries that searches for numbers and times are put together from."""

from collections.abc import Iterable, Sequence

from kjournal.store.elasticsearch.cluster import Body


def in_index(index: str, query: Body) -> Body:
    """Return what matches a query in one index."""
    return {"bool": {"filter": [{"term": {"_index": index}}, query]}}


def with_id(id: str) -> Body:
    """Return what matches the documents with an id, one at most in each index."""
    # Elasticsearch refuses to look for an empty one, which no document has.
    return {"ids": {"values": [id]}} if id else {"match_none": {}}


def either(queries: Iterable[Body]) -> Body:
    """Return what matches where one of the queries does; nothing, if there are none."""
    should = list(queries)
    if not should:
        return {"match_none": {}}
    return {"bool": {"should": should, "minimum_should_match": 1}}


def numbered(**bounds: int) -> Body:
    """Return what matches sequence numbers within bounds: gt, gte, lt, lte."""
    return {"range": {"_seq_no": bounds}}


def timed(fields: Sequence[str], **bounds_us: int) -> Body:
    """Return what matches where the time of one of the fields is within bounds: gt, gte, lte.

    They are microseconds, cut to the milliseconds that every date field has.
    """
    bounds = {name: max(0, time_us // 1000) for name, time_us in bounds_us.items()}
    return either({"range": {field: {**bounds, "format": "epoch_millis"}}} for field in fields)
