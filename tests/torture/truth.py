"""What the store holds in the end, and what it says of single documents."""

from collections.abc import Sequence
from typing import Any

from tests.torture.cluster import Cluster
from tests.torture.ledger import Pair

_PAGE = 10_000
_EXPLAINED = 10


def refresh(cluster: Cluster, pattern: str) -> None:
    """Make visible all that was written."""
    cluster.call("POST", f"/{pattern}/_refresh")


def held(cluster: Cluster, pattern: str) -> list[Pair]:
    """Return number and revision of each document, ascending."""
    pit = cluster.call("POST", f"/{pattern}/_pit?keep_alive=2m")["id"]
    body: dict[str, Any] = {
        "size": _PAGE,
        "pit": {"id": pit, "keep_alive": "2m"},
        "sort": ["_shard_doc"],
        "_source": False,
        "docvalue_fields": ["n", "v"],
        "track_total_hits": False,
    }
    found: list[Pair] = []
    while True:
        answer = cluster.call("POST", "/_search", body)
        assert not answer["_shards"]["failed"], answer["_shards"]
        hits = answer["hits"]["hits"]
        found += [(hit["fields"]["n"][0], hit["fields"]["v"][0]) for hit in hits]
        if len(hits) < _PAGE:
            break
        body["search_after"] = hits[-1]["sort"]
    cluster.call("DELETE", "/_pit", {"id": pit})
    return sorted(found)


def explained(cluster: Cluster, pattern: str, numbers: Sequence[int]) -> list[str]:
    """Return a line about each of some documents: where it is, and under which number."""
    body = {
        "size": _EXPLAINED,
        "query": {"terms": {"n": list(numbers[:_EXPLAINED])}},
        "seq_no_primary_term": True,
        "version": True,
        "explain": True,
        "_source": ["n", "v", "@timestamp"],
    }
    try:
        hits = cluster.call("POST", f"/{pattern}/_search", body)["hits"]["hits"]
    except AssertionError:
        # Numbers of an index without sequence numbers cannot be told.
        del body["seq_no_primary_term"]
        hits = cluster.call("POST", f"/{pattern}/_search", body)["hits"]["hits"]
    return [
        f"{hit['_source']['n']}/{hit['_source']['v']} is {hit['_shard']} _id={hit['_id']} "
        f"_seq_no={hit.get('_seq_no')} _primary_term={hit.get('_primary_term')} "
        f"_version={hit.get('_version')} @timestamp={hit['_source']['@timestamp']}"
        for hit in hits
    ]
