"""An Elasticsearch cluster as a backend."""

import secrets
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IAgent
from zope.interface import implementer

from kjournal.config.model import ElasticsearchSettings
from kjournal.store.elasticsearch.caps import CapabilityCache
from kjournal.store.elasticsearch.client import open_client, pooled_agent
from kjournal.store.elasticsearch.cluster import Cluster
from kjournal.store.elasticsearch.store import ElasticsearchStore
from kjournal.store.interfaces import IBackend, IStore, Source


@implementer(IBackend)
class ElasticsearchBackend:
    """One cluster; all stores share its connections. `agent` replaces the network in tests."""

    def __init__(
        self,
        settings: ElasticsearchSettings,
        reactor: IReactorTime,
        *,
        agent: IAgent | None = None,
    ) -> None:
        self._pool: Any = None
        if agent is None:
            agent, self._pool = pooled_agent(settings, reactor)
        self._client = open_client(settings, agent, reactor)
        # The same copies of shards answer this process: what one has shown, another may not yet.
        preference = f"kjournal-{secrets.token_hex(8)}"
        self._cluster = Cluster(self._client, preference, reactor)
        self._overlap_s = settings.time_overlap_s
        self._caps = CapabilityCache(self._cluster, reactor)

    def open_store(self, source: Source) -> IStore:
        """Return the store of one kind. Does no I/O."""
        return ElasticsearchStore(self._cluster, self._caps, source, self._overlap_s)

    async def check(self) -> None:
        """Return if the cluster answers and accepts our credentials, else raise a StoreError."""
        await self._cluster.check()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.close()
        if self._pool is not None:
            await self._pool.closeCachedConnections()
