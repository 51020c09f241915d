"""The official client's HTTP on Twisted: a node that speaks it, a transport that retries.

`elasticsearch.AsyncElasticsearch` is coroutines; only `AsyncTransport.perform_request` and the
stock nodes need asyncio. Both are replaced here, by public methods alone.
"""

import random
from collections.abc import Collection, Mapping
from typing import Any

from elastic_transport import (
    ApiResponseMeta,
    AsyncTransport,
    BaseAsyncNode,
    ConnectionError,
    ConnectionTimeout,
    HttpHeaders,
    NodeConfig,
    OpenTelemetrySpan,
    TlsError,
    TransportApiResponse,
)
from elastic_transport.client_utils import DEFAULT, DefaultType, resolve_default
from OpenSSL.SSL import Error as OpenSSLError
from service_identity import VerificationError
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.client import RequestTransmissionFailed, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

from kjournal.store.elasticsearch.exchange import cancellable, exchanged

_BACKOFF_S, _BACKOFF_CAP_S = 0.1, 2.0
_HEALTHY = frozenset({501})

_Status = Collection[int] | DefaultType


class TwistedNode(BaseAsyncNode):
    """One node of the cluster, reached through an agent that keeps its connections alive."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self._outside: tuple[IAgent, IReactorTime] | None = None

    def attach(self, agent: IAgent, clock: IReactorTime) -> None:
        """Say how to reach the network and the time; the client's node pool makes nodes without."""
        self._outside = agent, clock

    async def perform_request(  # type: ignore[override] # as the client's own async nodes do
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> TransportApiResponse:
        """Return a whole answer, within one deadline for connecting, headers and body.

        Cancelling drops the connection.
        """
        if self._outside is None:
            raise RuntimeError("a node is used before it is attached")
        agent, clock = self._outside
        started = clock.seconds()
        timeout_s = resolve_default(request_timeout, self.config.request_timeout)
        url = (self.base_url + target).encode("ascii")
        exchange = cancellable(
            Deferred.fromCoroutine(
                exchanged(agent, method.encode(), url, self._merged(headers), body)
            )
        )
        if timeout_s:
            exchange.addTimeout(timeout_s, clock, lambda _, s: fail(ConnectionTimeout(s)))
        try:
            response, data = await exchange
        except (
            ConnectError,
            ConnectionClosed,
            ConnectTimeout,
            DNSLookupError,
            OpenSSLError,
            RequestTransmissionFailed,
            ResponseFailed,
            VerificationError,
        ) as error:
            raise _translated(error) from error
        meta = ApiResponseMeta(
            node=self.config,
            duration=clock.seconds() - started,
            http_version="1.1",
            status=response.code,
            headers=_received(response.headers),
        )
        return TransportApiResponse(meta, data)

    async def close(self) -> None:  # type: ignore[override] # as the client's own async nodes do
        """Nothing of its own to close: connections belong to the agent's pool."""

    def _merged(self, headers: HttpHeaders | None) -> Headers:
        """Return the request's headers over the node's, which may hold the URL's credential."""
        merged = dict(self.headers)
        merged.update(headers or {})
        merged.pop("connection", None)
        return Headers({name.encode(): [value.encode()] for name, value in merged.items()})


class TwistedTransport(AsyncTransport):
    """Requests over the client's node pool; waits between attempts on the given clock."""

    def __init__(
        self, node_configs: list[NodeConfig], *, agent: IAgent, clock: IReactorTime, **options: Any
    ) -> None:
        super().__init__(node_configs, node_class=TwistedNode, **options)
        self._clock = clock
        for node in self.node_pool.all():
            if isinstance(node, TwistedNode):
                node.attach(agent, clock)

    async def perform_request(  # type: ignore[override] # noqa: PLR0913 - as AsyncTransport's
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        headers: Mapping[str, Any] | DefaultType = DEFAULT,
        max_retries: int | DefaultType = DEFAULT,
        retry_on_status: _Status = DEFAULT,
        retry_on_timeout: bool | DefaultType = DEFAULT,
        request_timeout: float | DefaultType | None = DEFAULT,
        client_meta: tuple[tuple[str, str], ...] | DefaultType = DEFAULT,
        otel_span: OpenTelemetrySpan | DefaultType = DEFAULT,
    ) -> TransportApiResponse:
        """Return the decoded answer of the first node that gives a whole one.

        A node that fails is left alone for a while; the next one is asked, `max_retries` times.
        """
        sent = HttpHeaders(resolve_default(headers, {}))
        retries = resolve_default(max_retries, self.max_retries)
        statuses = resolve_default(retry_on_status, self.retry_on_status)
        on_timeout = resolve_default(retry_on_timeout, self.retry_on_timeout)
        data = None
        if body is not None:
            data = self.serializers.dumps(body, mimetype=sent["content-type"])
        for attempt in range(retries + 1):
            last = attempt == retries
            node = self.node_pool.get()
            try:
                answer = await _asked(node, method, target, data, sent, request_timeout)
            except (ConnectionError, ConnectionTimeout) as error:
                self.node_pool.mark_dead(node)
                if last or (isinstance(error, ConnectionTimeout) and not on_timeout):
                    raise
            else:
                self._judge(node, answer.meta.status)
                if last or answer.meta.status not in statuses:
                    return self._decoded(method, answer)
            await deferLater(self._clock, _pause_s(attempt))
        raise RuntimeError("max_retries is negative")

    async def close(self) -> None:  # type: ignore[override] # as the client's AsyncTransport
        """Nothing of its own to close: connections belong to the agent's pool."""

    def _judge(self, node: Any, status: int) -> None:
        if status < 500 or status in _HEALTHY:
            self.node_pool.mark_live(node)
        else:
            self.node_pool.mark_dead(node)

    def _decoded(self, method: str, answer: TransportApiResponse) -> TransportApiResponse:
        body = None
        if method != "HEAD":
            body = self.serializers.loads(answer.body, answer.meta.mimetype)
        return TransportApiResponse(answer.meta, body)


async def _asked(
    node: Any, method: str, target: str, data: bytes | None, headers: HttpHeaders, timeout: Any
) -> TransportApiResponse:
    answer: TransportApiResponse = await node.perform_request(
        method, target, body=data, headers=headers, request_timeout=timeout
    )
    return answer


def _received(headers: Headers) -> HttpHeaders:
    """Return the answer's headers; deprecation warnings would become Python warnings."""
    return HttpHeaders(
        {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in headers.getAllRawHeaders()
            if name.lower() != b"warning"
        }
    )


def _translated(error: Exception) -> Exception:
    """Return what the client's transport calls this failure; a cancellation stays one.

    While headers are awaited, Twisted reports a cancellation as a failed response.
    """
    reasons = [reason.value for reason in getattr(error, "reasons", ())] or [error]
    if any(isinstance(reason, CancelledError) for reason in reasons):
        return CancelledError()
    if any(isinstance(reason, OpenSSLError | VerificationError) for reason in reasons):
        return TlsError("TLS failed", errors=(error,))
    return ConnectionError("no whole answer", errors=(error,))


def _pause_s(attempt: int) -> float:
    longest = min(_BACKOFF_CAP_S, _BACKOFF_S * 2.0**attempt)
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads retries, no secret
