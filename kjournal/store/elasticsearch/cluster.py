"""The requests that kjournal makes of a cluster, each answered as a whole or refused."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from elastic_transport import SerializationError
from elasticsearch import ApiError, AsyncElasticsearch
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from kjournal.errors import StoreError, StoreTimeout, StoreUnauthorized, StoreUnavailable
from kjournal.store.elasticsearch.failures import shape_error, store_errors, types_of
from kjournal.store.elasticsearch.hits import Answer, answer_of
from kjournal.store.elasticsearch.position import Reading, ShardKey

# Snapshots are promised for 5 minutes after the latest page.
KEEP_ALIVE = "6m"
_NEVER_SKIP = 1 << 30
_LAYOUT_SETTINGS = ["index.uuid", "index.number_of_shards", "index.disable_sequence_numbers"]
_CHECKPOINT_PATHS = [
    f"indices.*.{path}" for path in ("uuid", "shards.*.routing.primary", "shards.*.seq_no")
]
# Filtering the source has Elasticsearch write it anew: as JSON that every reader accepts.
_REWRITTEN = {"excludes": ["\x00"]}

Body = dict[str, Any]


class Cluster:
    """One Elasticsearch. `preference` makes the same copies of shards answer every search.

    That is so until one of them does not answer in time: others are preferred then. Positions
    know what was seen by number, so that they hold for every copy.
    """

    def __init__(self, client: AsyncElasticsearch, preference: str, clock: IReactorTime) -> None:
        self.clock = clock
        self._client = client
        self._base = preference
        self._turns = 0

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
        return await self._searched(
            {"index": index, "preference": self._preferring(shard)}, body, index, paging=False
        )

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
        where = {
            "pit": {"id": pit, "keep_alive": KEEP_ALIVE},
            "pre_filter_shard_size": _NEVER_SKIP if ranked else None,
        }
        return await self._searched(where, body, index, paging=paging)

    async def _searched(self, where: Body, body: Body, index: str, *, paging: bool) -> Answer:
        try:
            with store_errors(index, snapshot=paging):
                request = {**where, "allow_partial_search_results": False}
                try:
                    answer = await self._client.search(**request, **body)
                except SerializationError:
                    # A document of it is what Elasticsearch takes for JSON, and nobody else.
                    rewritten = {"_source": _REWRITTEN, **body}
                    answer = await self._client.search(**request, **rewritten)
        except StoreTimeout:
            self._turns += 1
            raise
        return answer_of(answer.body)

    async def open_snapshot(self, index: str) -> tuple[str, int]:
        """Return the id of a new point in time, and of how many shards it is.

        If nobody waits for it any more when it is there, it is closed: cancelling a request does
        not keep Elasticsearch from opening it.
        """
        waiter: Deferred[tuple[str, int]] = Deferred(lambda _: None)

        def opened(found: tuple[str, int]) -> None:
            if waiter.called:
                closing = Deferred.fromCoroutine(self.close_snapshot(found[0]))
                closing.addErrback(lambda failure: failure.trap(StoreError) and None)
            else:
                waiter.callback(found)

        def failed(failure: Failure) -> None:
            if not waiter.called:
                waiter.errback(failure)

        Deferred.fromCoroutine(self._open_snapshot(index)).addCallbacks(opened, failed)
        return await waiter

    async def _open_snapshot(self, index: str) -> tuple[str, int]:
        with store_errors(index):
            answer = await self._client.open_point_in_time(
                index=index, keep_alive=KEEP_ALIVE, preference=self._preferring(None)
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

    async def index_settings(self, index: str) -> Body:
        """Return for each open index those settings that say what it is.

        Indices whose settings we may not read can be missing without a word.
        """
        with store_errors(index):
            answer = await self._client.indices.get_settings(
                index=index, name=_LAYOUT_SETTINGS, expand_wildcards=["open"]
            )
        body: Body = answer.body
        return body

    async def checkpoints(self, index: str) -> dict[ShardKey, Reading] | None:
        """Return what each primary says of itself, by uuid of the index and number of the shard.

        None where we may not read it (`monitor`), or where there is no such reading.
        """
        with store_errors(index):
            try:
                answer = await self._client.indices.stats(
                    index=index, metric=["docs"], level="shards", filter_path=_CHECKPOINT_PATHS
                )
            except ApiError as error:
                if error.meta.status in (400, 403, 405, 410):
                    return None
                raise
        try:
            return {
                (one["uuid"], int(number)): Reading(
                    copy["seq_no"]["global_checkpoint"], copy["seq_no"]["max_seq_no"]
                )
                for one in answer.body.get("indices", {}).values()
                for number, copies in one.get("shards", {}).items()
                for copy in copies
                if copy["routing"]["primary"] and "seq_no" in copy
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise shape_error() from error

    def _preferring(self, shard: int | None) -> str:
        preference = f"{self._base}-{self._turns}"
        return preference if shard is None else f"_shards:{shard}|{preference}"
