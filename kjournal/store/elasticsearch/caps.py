"""What the indices of a pattern can say about a field, read once a minute."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime

from kjournal.store.elasticsearch.cluster import Cluster

_FRESH_S = 60.0
_MOST_KEPT = 200

UNMAPPED = "unmapped"
HIDDEN = "hidden"
"""Not mapped, or not searchable, and still a document may hold it."""


@attrs.frozen
class Capabilities:
    """For each path its types, each with the indices that map it so.

    `hiding` are parts of the mappings, where we may read them: an unmapped field of an index whose
    mapping is dynamic all the way down stands in no document of it.
    """

    indices: frozenset[str]
    fields: Mapping[str, Mapping[str, Any]]
    hiding: Mapping[str, Mapping[str, Any]] | None

    def types_of(self, path: str) -> dict[str, frozenset[str]]:
        """Return the indices by how they map `path`: a type, UNMAPPED or HIDDEN.

        UNMAPPED: no document of theirs holds it. `flattened` may be the type of a parent.
        """
        found: dict[str, frozenset[str]] = {}
        left = self.indices
        for kind, indices in self._mapped(path):
            found[kind] = found.get(kind, frozenset()) | (indices & left)
            left -= indices
        for parent in parents_of(path):
            for kind, indices in self._mapped(parent):
                nested = kind == "nested"
                if nested:
                    found = {name: those - indices for name, those in found.items()}
                    found[HIDDEN] = found.get(HIDDEN, frozenset()) | indices
                elif kind == "flattened":
                    found[kind] = found.get(kind, frozenset()) | (indices & left)
                left -= indices if nested or kind == "flattened" else frozenset()
        hidden = frozenset(index for index in left if self._may_hide(index, path))
        found[HIDDEN] = found.get(HIDDEN, frozenset()) | hidden
        found[UNMAPPED] = left - hidden
        return {kind: those for kind, those in found.items() if those}

    def _mapped(self, path: str) -> Iterable[tuple[str, frozenset[str]]]:
        for kind, caps in self.fields.get(path, {}).items():
            if kind == UNMAPPED:
                continue
            indices = frozenset(caps.get("indices") or self.indices)
            deaf = frozenset(caps.get("non_searchable_indices") or ())
            if deaf or kind in ("object", "nested") or caps.get("searchable"):
                yield kind, indices - deaf
                yield HIDDEN, deaf
            else:
                yield HIDDEN, indices

    def _may_hide(self, index: str, path: str) -> bool:
        if self.hiding is None:
            return True
        part: Any = self.hiding.get(index, {})
        dynamic: Any = "true"
        for name in (*path.split("."), ""):
            dynamic = part.get("dynamic", dynamic)
            if _says_no(part.get("enabled")):
                return True
            part = part.get("properties", {}).get(name)
            if not isinstance(part, Mapping):
                break
        return _says_no(dynamic)


def _says_no(setting: Any) -> bool:
    return str(setting).lower() == "false"


def parents_of(path: str) -> list[str]:
    """Return the objects above a path, nearest first."""
    names = path.split(".")
    return [".".join(names[:count]) for count in range(len(names) - 1, 0, -1)]


class CapabilityCache:
    """Capabilities by pattern and paths; a changed number of shards makes them old at once."""

    def __init__(self, cluster: Cluster, clock: IReactorTime) -> None:
        self._cluster = cluster
        self._clock = clock
        self._kept: dict[tuple[str, frozenset[str], int], tuple[float, Capabilities]] = {}

    async def of(self, index: str, paths: Iterable[str], shards: int) -> Capabilities:
        """Return what the pattern's indices can say about these paths."""
        key = index, frozenset(paths), shards
        kept = self._kept.get(key)
        if kept is not None and self._clock.seconds() - kept[0] < _FRESH_S:
            return kept[1]
        asked = {path for path in key[1] for path in (path, f"{path}.keyword", *parents_of(path))}
        caps = await self._cluster.field_caps(index, asked)
        fields = caps["fields"]
        hiding = None
        if any(_somewhere_unmapped(fields.get(path)) for path in key[1]):
            hiding = await self._cluster.dynamics(index)
        fresh = Capabilities(frozenset(caps["indices"]), fields, hiding)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = self._clock.seconds(), fresh
        return fresh


def _somewhere_unmapped(types: Mapping[str, Any] | None) -> bool:
    return not types or UNMAPPED in types
