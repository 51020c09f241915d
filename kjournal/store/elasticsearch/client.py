"""From settings to a client of the cluster, for Elasticsearch 8 and 9 alike."""

import functools
import logging
from typing import Any, cast

from elastic_transport import AsyncTransport, NodeConfig, SerializationError, Serializer
from elastic_transport.client_utils import url_to_node_config
from elasticsearch import AsyncElasticsearch
from elasticsearch.serializer import OrjsonSerializer
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.iweb import IAgent

from kjournal.codec import load_lenient_json
from kjournal.config.model import ElasticsearchSettings
from kjournal.errors import StoreRejected
from kjournal.store.elasticsearch.tls import TLSPolicy
from kjournal.store.elasticsearch.transport import TwistedTransport

_CONNECTIONS = 16
# Below the idle timeout of common load balancers, 60 s.
_IDLE_S = 50
# A node that does not even connect is left for the next one, well before the deadline.
_CONNECT_SHARE = 0.5


class TolerantSerializer(OrjsonSerializer):
    """JSON as Elasticsearch keeps it, which is a little more than JSON.

    One document of a page must not take all others along.
    """

    def loads(self, data: bytes) -> Any:
        """Return what is in JSON text. Raises: SerializationError."""
        try:
            return super().loads(data)
        except SerializationError as strict:
            try:
                return load_lenient_json(data)
            except ValueError:
                raise strict from None


def pooled_agent(settings: ElasticsearchSettings, reactor: Any) -> tuple[IAgent, Any]:
    """Return an agent with connections that are kept, and the pool to close in the end."""
    pool = HTTPConnectionPool(reactor)
    pool.maxPersistentPerHost = _CONNECTIONS
    pool.cachedConnectionTimeout = _IDLE_S
    pool.retryAutomatically = False
    # Else each connection is two lines of the log, also while the store is down.
    pool._factory.noisy = False  # noqa: SLF001 - Twisted has no other way to say it
    agent = Agent(
        reactor,
        contextFactory=TLSPolicy(settings),
        connectTimeout=settings.request_timeout_s * _CONNECT_SHARE,
        pool=pool,
    )
    return agent, pool


def open_client(
    settings: ElasticsearchSettings, agent: IAgent, clock: IReactorTime
) -> AsyncElasticsearch:
    """Return the official client over a Twisted agent. Does no I/O.

    Raises: StoreRejected for a URL that is none.
    """
    # What it warns of reaches our callers as a StoreError; it must not go to stderr by default.
    logging.getLogger("elastic_transport").addHandler(logging.NullHandler())
    json: Serializer = TolerantSerializer()
    transport = functools.partial(TwistedTransport, agent=agent, clock=clock)
    return AsyncElasticsearch(
        _nodes(settings),
        transport_class=cast(type[AsyncTransport], transport),
        serializers={
            "application/json": json,
            "application/vnd.elasticsearch+json": json,
        },
        request_timeout=settings.request_timeout_s,
        max_retries=settings.max_retries,
        retry_on_timeout=len(settings.urls) > 1,
        meta_header=False,
        **_credential(settings),
    )


def _nodes(settings: ElasticsearchSettings) -> list[NodeConfig]:
    try:
        nodes = [
            url_to_node_config(url, use_default_ports_for_scheme=True) for url in settings.urls
        ]
    except ValueError as error:
        raise StoreRejected("a URL of Elasticsearch is not valid") from error
    if not nodes or any(node.scheme not in ("http", "https") for node in nodes):
        raise StoreRejected("a URL of Elasticsearch is not valid")
    return list(dict.fromkeys(nodes))


def _credential(settings: ElasticsearchSettings) -> dict[str, Any]:
    """Return the one credential to send; without one, a URL may hold it."""
    if settings.api_key:
        return {"api_key": settings.api_key}
    if settings.bearer_token:
        return {"bearer_auth": settings.bearer_token}
    if settings.username:
        return {"basic_auth": (settings.username, settings.password)}
    return {}
