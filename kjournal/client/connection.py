"""JSON to and from a kube-apiserver, over verified TLS and within a deadline."""

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from OpenSSL import SSL, crypto
from treq.client import HTTPClient
from treq.content import collect
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IPolicyForHTTPS, IResponse
from zope.interface import implementer

from kjournal.client.kubeconfig import ClusterConfig
from kjournal.codec import dump_json, load_json
from kjournal.errors import KjournalError

DEADLINE_S = 10.0
MAX_BODY_BYTES = 8 << 20
CONNECTIONS = 25
CONNECT_S = 5.0
_Result = TypeVar("_Result")
_NOT_REACHED = (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    ResponseFailed,
    ResponseNeverReceived,
    SSL.Error,
)


class KubeAPIError(KjournalError):
    """The kube-apiserver did not answer as asked. `code` is the HTTP status, 0 without an answer.

    The message is for kjournal's own log.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.code == 0 or self.code == 429 or self.code >= 500


class KubeConnection:
    """Asks one kube-apiserver, as whom the configuration says."""

    def __init__(
        self,
        config: ClusterConfig,
        http: HTTPClient,
        clock: IReactorTime,
        pool: HTTPConnectionPool | None = None,
    ) -> None:
        self._config, self._http, self._clock, self._pool = config, http, clock, pool

    async def close(self) -> None:
        """Close the idle sockets."""
        if self._pool is not None:
            await self._pool.closeCachedConnections()

    async def get_json(self, path: str) -> dict[str, Any]:
        """Return the object at a path. Raises: KubeAPIError."""
        return await self._within_deadline("GET", path, None)

    async def post_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object that is answered to a new one. Raises: KubeAPIError."""
        return await self._within_deadline("POST", path, dump_json(body))

    async def changed(self, path: str, within_s: float) -> None:
        """Return when the watch at a path tells of an event, or ends by itself within that time.

        Raises: KubeAPIError.
        """
        watch = _cancellable(self._first_event(path))
        watch.addTimeout(within_s, self._clock)
        try:
            await watch
        except DeadlineError:
            return
        except _NOT_REACHED as error:
            raise KubeAPIError(f"cannot reach the kube-apiserver: {_why(error)}") from error

    async def _first_event(self, path: str) -> None:
        response = await self._http.request(
            "GET",
            self._config.server + path,
            headers=self._headers(False),
            allow_redirects=False,
            unbuffered=True,
        )
        event = _FirstLine()
        response.deliverBody(event)
        await event.came
        if response.code != 200:
            raise KubeAPIError(f"the kube-apiserver answered {response.code}", response.code)

    async def _within_deadline(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        exchange = _cancellable(self._exchange(method, path, body))
        exchange.addTimeout(DEADLINE_S, self._clock)
        try:
            return await exchange
        except DeadlineError as error:
            raise KubeAPIError(f"no answer within {DEADLINE_S:g} s") from error
        except _NOT_REACHED as error:
            raise KubeAPIError(f"cannot reach the kube-apiserver: {_why(error)}") from error

    async def _exchange(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        response = await self._http.request(
            method,
            self._config.server + path,
            data=body,
            headers=self._headers(body is not None),
            allow_redirects=False,
            unbuffered=True,
        )
        text = await _body_of(response)
        if response.code not in (200, 201):
            raise KubeAPIError(f"the kube-apiserver answered {response.code}", response.code)
        try:
            document = load_json(text)
        except ValueError as error:
            raise KubeAPIError("the kube-apiserver answered something that is no JSON") from error
        if not isinstance(document, dict):
            raise KubeAPIError("the kube-apiserver answered something that is no object")
        return document

    def _headers(self, has_body: bool) -> Headers:
        headers = Headers({"Accept": ["application/json"], "User-Agent": ["kjournal"]})
        if has_body:
            headers.addRawHeader("Content-Type", "application/json")
        try:
            token = self._config.token()
        except OSError as error:
            raise KubeAPIError(f"cannot read the token: {error.strerror}") from error
        if token:
            headers.addRawHeader("Authorization", f"Bearer {token}")
        return headers


def _cancellable(work: Coroutine[Any, Any, _Result]) -> Deferred[_Result]:
    """Start `work`, and see that whoever cancels it meets CancelledError.

    Twisted's client makes errors of its own of a cancel, which look like those of the network.
    """
    inner = Deferred.fromCoroutine(work)

    def cancel(outer: Deferred[_Result]) -> None:
        outer.errback(CancelledError())
        inner.cancel()

    def pass_on(result: _Result | Failure) -> None:
        if not outer.called:
            outer.callback(result)

    outer: Deferred[_Result] = Deferred(cancel)
    inner.addBoth(pass_on)
    return outer


class _FirstLine(Protocol):
    """Waits for the first line of a body, or its end, and wants no more."""

    def __init__(self) -> None:
        self.came: Deferred[None] = Deferred(lambda _: self._hang_up())

    def dataReceived(self, data: bytes) -> None:
        """Look for the end of a line."""
        if b"\n" in data:
            self._hang_up()
            self._tell()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body ended, whole or not."""
        self._tell()

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()

    def _tell(self) -> None:
        if not self.came.called:
            self.came.callback(None)


async def _body_of(response: IResponse) -> bytes:
    parts: list[bytes] = []
    size = 0

    def add(part: bytes) -> None:
        nonlocal size
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise KubeAPIError(f"an answer above {MAX_BODY_BYTES} bytes")
        parts.append(part)

    await collect(response, add)
    return b"".join(parts)


def _why(error: BaseException) -> str:
    """Return the innermost reason, such as a certificate that does not verify."""
    if isinstance(error, ResponseFailed) and error.reasons:
        inner = error.reasons[0].value
        return _why(inner) if inner is not None else str(error)
    return f"{type(error).__name__} {error}".strip()


@implementer(IPolicyForHTTPS)
class _ClusterPolicy:
    """Trusts the cluster's CAs alone, and shows the client certificate."""

    def __init__(self, config: ClusterConfig) -> None:
        self._config = config

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """Return what begins TLS to a host, whose name or address is verified."""
        roots = [Certificate(crypto.X509.from_cryptography(ca)) for ca in self._config.cas]
        options: dict[str, Any] = {}
        if self._config.identity is not None:
            leaf, *issuers = self._config.identity.chain
            options = {
                "privateKey": self._config.identity.key,
                "certificate": leaf,
                "extraCertChain": issuers,
            }
        return optionsForClientTLS(
            self._config.server_name or hostname.decode("ascii"),
            trustRoot=trustRootFromCertificates(roots) if roots else None,
            extraCertificateOptions=options,
        )


def connect(config: ClusterConfig, reactor: Any) -> KubeConnection:
    """Return a connection that keeps up to 25 sockets open."""
    pool = HTTPConnectionPool(reactor)
    pool.maxPersistentPerHost = CONNECTIONS
    agent = Agent(reactor, _ClusterPolicy(config), connectTimeout=CONNECT_S, pool=pool)
    return KubeConnection(config, HTTPClient(agent), reactor, pool)
