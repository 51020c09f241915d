"""The requests that kjournal makes of a cluster, each answered as a whole or refused."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from elasticsearch import ApiError, AsyncElasticsearch, AuthorizationException

from kjournal.errors import StoreRejected, StoreUnauthorized, StoreUnavailable
from kjournal.store.elasticsearch.failures import shape_error, store_errors, types_of
from kjournal.store.elasticsearch.hits import Answer, answer_of
from kjournal.store.elasticsearch.position import IndexPlace, Layout

# Snapshots are promised for 5 minutes after the latest page.
KEEP_ALIVE = "6m"
_NEVER_SKIP = 1 << 30
_LAYOUT_SETTINGS = ["index.uuid", "index.number_of_shards", "index.disable_sequence_numbers"]
_UNNUMBERED = (
    'the index "{name}" has index.disable_sequence_numbers: it can be listed, but not followed'
)

Body = dict[str, Any]


class Cluster:
    """One Elasticsearch. `preference` makes the same copies of shards answer every search."""

    def __init__(self, client: AsyncElasticsearch, preference: str) -> None:
        self._client = client
        self._preference = preference
        # Identities must not change from uuid to name under a running tail: decided once.
        self._uuids_readable: dict[str, bool] = {}

    async def check(self) -> None:
        """Return if the cluster answers and knows our credentials, which need not see its name.

        403: known, without the privilege `monitor`. 405: a distribution without the main page.
        """
        with store_errors():
            try:
                await self._client.info()
            except ApiError as error:
                forbidden = error.meta.status == 403 and "security_exception" in types_of(error)
                product = error.meta.headers.get("x-elastic-product") == "Elasticsearch"
                if not forbidden and not (product and error.meta.status == 405):
                    raise

    async def search(self, body: Body, *, index: str, shard: int | None = None) -> Answer:
        """Search an index pattern; with `shard`, only the shards of that number."""
        with store_errors(index):
            answer = await self._client.search(
                index=index,
                preference=self._preferring(shard),
                allow_partial_search_results=False,
                **body,
            )
        return answer_of(answer.body)

    async def search_each(self, body: Body, indices: Sequence[str], *, shard: int) -> list[Answer]:
        """Search single indices alike, each by itself; the answers are in their order."""
        head = {"preference": self._preferring(shard), "allow_partial_search_results": False}
        searches = [part for name in indices for part in ({"index": name, **head}, body)]
        with store_errors():
            answer = await self._client.msearch(searches=searches)
            responses = answer.body.get("responses")
            if not isinstance(responses, list) or len(responses) != len(indices):
                raise shape_error()
            for response in responses:
                if isinstance(response, dict) and "error" in response:
                    status = int(response.get("status", 500))
                    meta = replace(answer.meta, status=status)
                    raise ApiError("one of several searches failed", meta=meta, body=response)
        return [answer_of(response) for response in responses]

    async def search_snapshot(
        self, body: Body, pit: str, *, index: str, paging: bool, ranked: bool = False
    ) -> Answer:
        """Search a point in time, and keep it alive.

        With `ranked` no shard is skipped beforehand, so that `_shard_doc` counts all of them.
        Raises: with `paging`, CursorExpired if it is gone or none.
        """
        with store_errors(index, snapshot=paging):
            answer = await self._client.search(
                pit={"id": pit, "keep_alive": KEEP_ALIVE},
                allow_partial_search_results=False,
                pre_filter_shard_size=_NEVER_SKIP if ranked else None,
                **body,
            )
        return answer_of(answer.body)

    async def open_snapshot(self, index: str) -> tuple[str, int]:
        """Return the id of a new point in time, and of how many shards it is."""
        with store_errors(index):
            answer = await self._client.open_point_in_time(
                index=index, keep_alive=KEEP_ALIVE, preference=self._preference
            )
        try:
            shards = answer.body["_shards"]
            total, failed = int(shards["total"]), int(shards["failed"])
            pit = str(answer.body["id"])
        except (KeyError, TypeError, ValueError) as error:
            raise shape_error() from error
        if failed:
            raise StoreUnavailable(f"{failed} of {total} shards of Elasticsearch failed")
        return pit, total

    async def close_snapshot(self, pit: str) -> None:
        """Close a point in time; one that is gone or none is no error."""
        with store_errors():
            try:
                await self._client.close_point_in_time(id=pit)
            except ApiError as error:
                if error.meta.status not in (400, 404):
                    raise

    async def field_caps(self, index: str, fields: Iterable[str]) -> Body:
        """Return `{"indices": [...], "fields": {path: {type: ...}}}`."""
        with store_errors(index):
            answer = await self._client.field_caps(
                index=index, fields=sorted(fields), include_unmapped=True
            )
        body = answer.body
        if not isinstance(body, dict) or not isinstance(body.get("indices"), list):
            raise shape_error()
        if not isinstance(body.get("fields"), dict):
            raise shape_error()
        return body

    async def dynamics(self, index: str) -> dict[str, Body] | None:
        """Return for each index those parts of its mapping that may hide fields from it.

        None where we may not read it (`view_index_metadata`).
        """
        keep = [
            f"*.mappings{path}.{name}" for path in ("", ".**") for name in ("dynamic", "enabled")
        ]
        try:
            with store_errors(index):
                answer = await self._client.indices.get_mapping(
                    index=index, expand_wildcards=["open"], filter_path=keep
                )
        except StoreUnauthorized:
            return None
        return {name: one.get("mappings", {}) for name, one in answer.body.items()}

    async def layout(self, index: str) -> Layout:
        """Return the indices of a pattern, with uuid and shards where we may read them.

        Raises: StoreRejected if one of them has no sequence numbers.
        """
        if self._uuids_readable.get(index, True):
            try:
                found = await self._described(index)
            except StoreUnauthorized as error:
                forbidden = isinstance(error.__cause__, AuthorizationException)
                if not forbidden or index in self._uuids_readable:
                    raise
            else:
                if found:
                    self._uuids_readable[index] = True
                return found
        found = await self._named(index)
        if found:
            self._uuids_readable[index] = False
        return found

    def _preferring(self, shard: int | None) -> str:
        return self._preference if shard is None else f"_shards:{shard}|{self._preference}"

    async def _described(self, index: str) -> Layout:
        with store_errors(index):
            answer = await self._client.indices.get_settings(
                index=index, name=_LAYOUT_SETTINGS, expand_wildcards=["open"]
            )
        layout: dict[str, IndexPlace] = {}
        try:
            for name, body in answer.body.items():
                settings = body["settings"]["index"]
                if str(settings.get("disable_sequence_numbers")).lower() == "true":
                    raise StoreRejected(_UNNUMBERED.format(name=name))
                layout[name] = IndexPlace(settings["uuid"], int(settings["number_of_shards"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise shape_error() from error
        return layout

    async def _named(self, index: str) -> Layout:
        caps = await self.field_caps(index, ["_seq_no"])
        types = caps["fields"].get("_seq_no", {}).values()
        for kind in types:
            if not kind.get("searchable"):
                names = kind.get("non_searchable_indices") or kind.get("indices")
                raise StoreRejected(_UNNUMBERED.format(name=(names or caps["indices"])[0]))
        return {name: IndexPlace(name, 0) for name in caps["indices"]}
