"""Which indices a pattern stands for, and what each is: its uuid, its shards, its numbers."""

from elasticsearch import AuthorizationException

from kjournal.errors import StoreUnauthorized
from kjournal.store.elasticsearch.cluster import Body, Cluster
from kjournal.store.elasticsearch.failures import shape_error
from kjournal.store.elasticsearch.position import IndexPlace, Layout


class LayoutReader:
    """Reads the layout of one pattern, each time anew.

    Where settings may not be read (`view_index_metadata` or `monitor`), for all indices or for
    some, those are told by name. An identity must not change from name to uuid under a running
    tail: an index once told by name stays so.
    """

    def __init__(self, cluster: Cluster, index: str) -> None:
        self._cluster, self._index = cluster, index
        self._by_name: set[str] = set()
        self._first = True
        self._described = True
        self._partly = False

    async def read(self) -> Layout:
        """Return the indices of the pattern by name. Raises: StoreError."""
        described: Layout = await self._from_settings() if self._described else {}
        if self._described and not self._partly and not self._first:
            return described
        named = await self._from_capabilities()
        self._first = False
        # A search may be allowed where reading settings is not, and such an answer is no error.
        self._partly |= bool(named.keys() - described.keys())
        self._by_name |= named.keys() - described.keys()
        kept = {name: place for name, place in described.items() if name not in self._by_name}
        return {**{name: named[name] for name in named.keys() & self._by_name}, **kept}

    def doubt(self) -> None:
        """Look twice from now on: more was searched than was described."""
        self._partly = True

    async def _from_settings(self) -> Layout:
        try:
            body = await self._cluster.index_settings(self._index)
        except StoreUnauthorized as error:
            forbidden = isinstance(error.__cause__, AuthorizationException)
            if not forbidden or not self._first:
                raise
            self._described = False
            return {}
        try:
            return {name: _place_of(one["settings"]["index"]) for name, one in body.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise shape_error() from error

    async def _from_capabilities(self) -> Layout:
        caps = await self._cluster.field_caps(self._index, ["_seq_no"])
        deaf: set[str] = set()
        for kind in caps["fields"].get("_seq_no", {}).values():
            if not kind.get("searchable"):
                deaf.update(kind.get("non_searchable_indices") or kind.get("indices") or ())
                deaf.update(() if deaf else caps["indices"])
        return {name: IndexPlace(name, 0, name not in deaf) for name in caps["indices"]}


def _place_of(settings: Body) -> IndexPlace:
    numbered = str(settings.get("disable_sequence_numbers")).lower() != "true"
    return IndexPlace(settings["uuid"], int(settings["number_of_shards"]), numbered)


def searchable(index: str, layout: Layout) -> str:
    """Return the pattern without those indices in which a search for numbers would fail."""
    deaf = {name for name, place in layout.items() if not place.numbered}
    if not deaf:
        return index
    parts = index.split(",")
    if any("*" in part for part in parts):
        return ",".join([index, *(f"-{name}" for name in sorted(deaf))])
    return ",".join(sorted(layout.keys() - deaf))


def having(layout: Layout, number: int) -> list[str]:
    """Return the indices that have, or may have, a shard of this number, and can be asked."""
    return [
        name
        for name, place in layout.items()
        if place.numbered and (place.shards == 0 or number < place.shards)
    ]
