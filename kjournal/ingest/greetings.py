"""What shippers ask before they send: who are you, are you well, is my template there."""

from typing import Any

VERSION = "8.19.0"
"""The Elasticsearch whose protocol is spoken here."""

IDENTITY: dict[str, Any] = {
    "name": "kjournal",
    "cluster_name": "kjournal",
    "cluster_uuid": "a2pvdXJuYWwtZW1iZWRkZQ",
    "version": {
        "number": VERSION,
        "build_flavor": "default",
        "build_type": "docker",
        "build_hash": "0000000000000000000000000000000000000000",
        "build_date": "2025-07-23T22:10:18.138215839Z",
        "build_snapshot": False,
        "lucene_version": "9.12.2",
        "minimum_wire_compatibility_version": "7.17.0",
        "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}

LICENSE: dict[str, Any] = {
    "license": {
        "status": "active",
        "uid": "00000000-0000-0000-0000-000000000000",
        "type": "basic",
        "issue_date": "2025-01-01T00:00:00.000Z",
        "issue_date_in_millis": 1735689600000,
        "max_nodes": 1000,
        "max_resource_units": None,
        "issued_to": "kjournal",
        "issuer": "elasticsearch",
        "start_date_in_millis": -1,
    }
}

XPACK: dict[str, Any] = {
    "build": {"hash": "0" * 40, "date": "2025-07-23T22:10:18.138Z"},
    "license": {
        "uid": "00000000-0000-0000-0000-000000000000",
        "type": "basic",
        "mode": "basic",
        "status": "active",
    },
    "features": {
        "data_streams": {"available": True, "enabled": True},
        "ilm": {"available": True, "enabled": True},
        "security": {"available": True, "enabled": True},
    },
    "tagline": "You know, for X",
}

HEALTH: dict[str, Any] = {
    "cluster_name": "kjournal",
    "status": "green",
    "timed_out": False,
    "number_of_nodes": 1,
    "number_of_data_nodes": 1,
    "active_primary_shards": 1,
    "active_shards": 1,
    "relocating_shards": 0,
    "initializing_shards": 0,
    "unassigned_shards": 0,
    "active_shards_percent_as_number": 100.0,
}

CAT_HEALTH = b"0 00:00:00 kjournal green 1 1 1 1 0 0 0 0 0 - 100.0%\n"

ACKNOWLEDGED: dict[str, Any] = {"acknowledged": True}

MAX_REMEMBERED = 1000


class Settings:
    """Remembers the names of templates, policies and the like, so that shippers find them again.

    Nothing here heeds what they say: the store has one shape for all.
    """

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], None] = {}

    def put(self, kind: str, name: str) -> None:
        """Remember one, forgetting the oldest where there are too many."""
        self._names[kind, name] = None
        while len(self._names) > MAX_REMEMBERED:
            self._names.pop(next(iter(self._names)))

    def found(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the answer about one that was put, or None."""
        if (kind, name) not in self._names:
            return None
        if kind == "_index_template":
            return {"index_templates": [{"name": name, "index_template": {}}]}
        if kind == "_component_template":
            return {"component_templates": [{"name": name, "component_template": {}}]}
        if kind == "_data_stream":
            return {"data_streams": [{"name": name, "status": "GREEN"}]}
        return {name: {}}
