"""The wiring, once: settings -> backend -> kinds -> tails -> routes -> ports, and the stop."""

import hashlib
import secrets
import signal
from collections.abc import Callable
from collections.abc import Mapping as MappingABC
from contextlib import suppress
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import Any, cast

from twisted.application.service import IService, Service
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import deferLater
from twisted.logger import Logger, globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.server import Site

from kjournal.api.audit import AuditLog, opened
from kjournal.api.gate import Gate
from kjournal.api.guard import LoopbackGuard
from kjournal.api.health import Health
from kjournal.api.metrics import Metrics
from kjournal.api.quota import Limits
from kjournal.api.routes import Routes, Surface
from kjournal.api.site import APISite
from kjournal.api.traffic import Traffic
from kjournal.codec import MICROSECONDS
from kjournal.config.model import ServingSettings, Settings, WatchSettings
from kjournal.demo.feed import DemoFeed
from kjournal.demo.welcome import welcome
from kjournal.door import SecureDoor
from kjournal.errors import StoreError
from kjournal.ingest.site import bulk_site
from kjournal.kinds.mapping import without_effect
from kjournal.kinds.registry import KINDS
from kjournal.query.model import Query
from kjournal.resources import resource_of, served
from kjournal.store.interfaces import IDocumentSink
from kjournal.store.registry import open_backend

LOOPBACK = "127.0.0.1"
# After a restart all watchers come back at the same moment.
BACKLOG = 1024
# As Go's servers: what is in flight after this long is cut.
DRAIN_S = 60.0
DEMO_PAST_US = 2 * 3600 * MICROSECONDS


def token_key_of(settings: WatchSettings) -> bytes:
    """Return the key of continue tokens: the one that replicas share, or this process's own."""
    shared = settings.continue_token_key
    return hashlib.sha256(shared.encode()).digest() if shared else secrets.token_bytes(32)


def _allow_many_watches() -> None:
    """Let the process hold as many connections as the system grants: each watch is one."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft != hard:
        setrlimit(RLIMIT_NOFILE, (hard, hard))


def _limits_of(settings: ServingSettings) -> Limits:
    return Limits(
        requests=settings.max_requests_inflight,
        requests_per_user=settings.max_requests_inflight_per_user,
        watches=settings.max_watches,
        watches_per_user=settings.max_watches_per_user,
    )


class Gateway(Service):
    """The running gateway: it opens ports when it starts, and drains before it stops."""

    _log = Logger()

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        environ: MappingABC[str, str],
        announce: Callable[[str], object],
    ) -> None:
        """Build everything; no port is open yet. `announce` tells a person what to type next.

        Raises: ConfigError, StoreError.
        """
        self.settings, self._reactor = settings, reactor
        self._backend = open_backend(settings.backend, reactor)
        self.resources = {
            api.resource: resource_of(api, self._backend, reactor, settings.watch)
            for api in served(settings.apis)
        }
        self._health, self._metrics = Health(notes=self._notes), Metrics()
        self._traffic = Traffic(_limits_of(settings.serving))
        surface = Surface(
            resources=self.resources,
            token_key=token_key_of(settings.watch),
            health=self._health,
            metrics=self._metrics,
        )
        self._routes = Routes(surface).app.resource()
        self._audit: AuditLog | None = None
        if settings.audit_log.path:
            log = opened(settings.audit_log)
            self._audit = AuditLog(log, reactor, self._metrics.audited)
        self._ports: list[IListeningPort] = []
        self._services: list[IService] = []
        self._demo: Deferred[None] = succeed(None)
        self._checked: Deferred[None] = succeed(None)
        self._announce = announce
        self._door: SecureDoor | None = None
        if settings.serving.secure_port:
            self._door = SecureDoor(settings.serving, reactor, environ, self._health, self._metrics)

    def _notes(self) -> list[str]:
        return [
            f"{plural}: {warning}"
            for plural, resource in self.resources.items()
            for warning in resource.tail.warnings
        ]

    def startService(self) -> None:
        """Listen, and then begin what needs nobody to ask for it."""
        super().startService()
        globalLogPublisher.addObserver(self._health.log)
        _allow_many_watches()
        settings = self.settings
        warnings = list(settings.warnings)
        for api in settings.apis:
            warnings += without_effect(KINDS[api.resource], api.field_map, api.drop_fields)
        for warning in warnings:
            self._log.warn("{warning}", warning=warning)
        if settings.serving.insecure_port:
            gate = Gate(self._routes, LoopbackGuard(), self._traffic, self._metrics, self._audit)
            site = APISite(gate, self._traffic.channels)
            port = settings.serving.insecure_port
            self._ports.append(self._listen("insecure", LOOPBACK, port, site))
        if self._door is not None:
            serving, door = (
                settings.serving,
                self._door.site(self._routes, self._traffic, self._audit),
            )
            port = serving.secure_port
            self._ports.append(self._listen("secure", serving.bind_address, port, door))
        if IDocumentSink.providedBy(self._backend):
            self._take_in(cast("IDocumentSink", self._backend))
        if self._door is not None:
            self._services += self._door.services
        for service in self._services:
            service.startService()
        self._checked = Deferred.fromCoroutine(self._check_backend())
        self._checked.addErrback(lambda failure: failure.trap(CancelledError) and None)
        self._log.info(
            "kjournal serves {kinds} from {backend}",
            kinds=", ".join(self.resources),
            backend=type(settings.backend).__name__.removesuffix("Settings").lower(),
        )

    def _take_in(self, sink: IDocumentSink) -> None:
        settings = self.settings
        if settings.bulk_port:
            site = bulk_site(sink, api_key=settings.bulk_api_key, reactor=self._reactor)
            port = self._listen("bulk", settings.bulk_address, settings.bulk_port, site)
            self._ports.append(port)
        if settings.demo:
            self._demo = Deferred.fromCoroutine(self._start_demo(sink))
            self._demo.addErrback(self._demo_failed)

    async def _check_backend(self) -> None:
        """Tell the operator of a store that does not answer, before a user does."""
        try:
            await self._backend.check()
        except StoreError as error:
            self._log.warn("the store does not answer as it should: {error}", error=str(error))

    async def _start_demo(self, sink: IDocumentSink) -> None:
        """Feed the store; with a past of two hours, unless it has one."""
        lines = self.resources.get("containerlogs")
        backfill = True
        if lines is not None:
            since_us = lines.now_us() - DEMO_PAST_US
            page = await lines.store.list_page(Query(since_us=since_us), limit=1)
            backfill = not page.records
        feed = DemoFeed(sink, self._reactor, backfill=backfill)
        self._services.append(feed)
        feed.startService()
        port = self.settings.serving.insecure_port
        if port:
            self._announce(welcome(port, self.settings.bulk_port))

    def _demo_failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("the demo feed did not start", failure)

    def _listen(
        self, name: str, address: str, port: int, site: Site | TLSMemoryBIOFactory
    ) -> IListeningPort:
        site.noisy = False
        try:
            listening: IListeningPort = self._reactor.listenTCP(
                port, site, backlog=BACKLOG, interface=address
            )
        except CannotListenError as error:
            # As of any other bad setting: one line, not a traceback.
            self._announce(
                f"kjournal: cannot listen on {address}:{port} ({error.socketError}); "
                f"name another port by --{name}-port\n"
            )
            raise SystemExit(1) from error
        self._log.info(
            "{name} port: listening on {address}:{port}", name=name, address=address, port=port
        )
        return listening

    def stopService(self) -> Deferred[None]:
        """Drain and stop: readyz red, watches ended, ports closed, the store let go."""
        super().stopService()
        self._health.stopping = True
        return Deferred.fromCoroutine(self._stop())

    async def _drain(self) -> None:
        """Let what is in flight end while endpoints forget this process.

        Source: apiserver pkg/server/lifecycle_signals.go
        """
        self._traffic.drain()
        await deferLater(self._reactor, self.settings.serving.shutdown_delay_s, lambda: None)
        self._traffic.refuse()
        for resource in self.resources.values():
            resource.tail.end_watches()
        await self._traffic.ended(self._reactor, DRAIN_S)
        self._traffic.cut()

    async def _stop(self) -> None:
        self._demo.cancel()
        self._checked.cancel()
        draining = Deferred.fromCoroutine(self._drain())
        # The reactor is stopping already, and would call a second signal an error.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._reactor.callFromThread(draining.cancel))
        with suppress(CancelledError):
            await draining
        for resource in self.resources.values():
            await resource.tail.stop()
            for closing in tuple(resource.closings):
                await closing
        await self._close()
        globalLogPublisher.removeObserver(self._health.log)

    async def _close(self) -> None:
        """Let go of what is held, ports first."""
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        for service in self._services:
            if service.running:
                await maybeDeferred(service.stopService)
        for connection in self._door.connections if self._door is not None else ():
            await connection.close()
        await self._backend.close()
        if self._audit is not None:
            self._audit.close()
