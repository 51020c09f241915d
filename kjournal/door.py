"""The secure door: from the settings to who is believed, who is let in, and over which TLS."""

from collections.abc import Mapping
from typing import Any

from twisted.application.service import IService
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.resource import IResource

from kjournal.api.audit import AuditLog
from kjournal.api.gate import Gate
from kjournal.api.guard import SecureGuard
from kjournal.api.health import Health
from kjournal.api.metrics import Metrics
from kjournal.api.site import APISite
from kjournal.api.tls import CertificateFiles, ServingContextFactory
from kjournal.api.traffic import Traffic
from kjournal.auth.access import Access, Rules
from kjournal.auth.authenticator import authenticator_of
from kjournal.auth.bearer import TokenReviewer
from kjournal.auth.trust import TrustSource, trust_of
from kjournal.client.connection import KubeConnection, connect
from kjournal.client.kubeconfig import cluster_config
from kjournal.config.model import ServingSettings


class SecureDoor:
    """Everything that stands before the routes on the secure port.

    `services` run while the port is open; `connections` are closed after it.
    """

    def __init__(
        self,
        settings: ServingSettings,
        reactor: Any,
        environ: Mapping[str, str],
        health: Health,
        metrics: Metrics,
    ) -> None:
        """Build it. Raises: ConfigError."""
        self._reactor, self._environ, self._metrics = reactor, environ, metrics
        self.services: list[IService] = []
        self.connections: list[KubeConnection] = []
        cluster = self._cluster(settings.authentication_kubeconfig or settings.kubeconfig)
        lookup = None if settings.authentication_skip_lookup else cluster
        trust = TrustSource(trust_of(settings), reactor, lookup, lambda: trust_of(settings))
        tokens = TokenReviewer(cluster, reactor, settings.token_cache_ttl_s, metrics.token_reviewed)
        self.services.append(trust)
        health.readiness["trust"] = lambda: (
            "" if trust.known else "it is not known yet whose certificates to believe"
        )
        reviewer = self._cluster(settings.authorization_kubeconfig or settings.kubeconfig)
        self._guard = SecureGuard(
            authenticator_of(trust, tokens, reactor, metrics.authenticated),
            Access(reviewer, reactor, metrics.authorized, metrics.reviewed, _rules_of(settings)),
        )
        files = CertificateFiles(settings, reactor)
        self.services.append(files)
        self._tls = ServingContextFactory(lambda: files.current, lambda: trust.authorities)

    def site(
        self, routes: IResource, traffic: Traffic, audit: AuditLog | None
    ) -> TLSMemoryBIOFactory:
        """Return what listens on the port."""
        gate = Gate(routes, self._guard, traffic, self._metrics, audit)
        return TLSMemoryBIOFactory(self._tls, False, APISite(gate, traffic.channels))

    def _cluster(self, path: str) -> KubeConnection | None:
        config = cluster_config(path, self._environ)
        if config is None:
            return None
        connection = connect(config, self._reactor)
        self.connections.append(connection)
        return connection


def _rules_of(settings: ServingSettings) -> Rules:
    return Rules(
        always_deny=settings.authorization_mode == "AlwaysDeny",
        public_paths=settings.authorization_always_allow_paths,
        authorized_ttl_s=settings.authorized_ttl_s,
        unauthorized_ttl_s=settings.unauthorized_ttl_s,
    )
