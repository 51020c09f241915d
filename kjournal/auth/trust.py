"""Which certificates are believed: from files, or from the cluster's own ConfigMap.

Source: apiserver pkg/server/options/authentication.go, authentication_dynamic_request_header.go
"""

from collections.abc import Mapping
from typing import Any

import attrs
from cryptography import x509
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from kjournal.auth.chain import CABundle, load_bundle, parse_bundle
from kjournal.auth.front_proxy import FrontProxyTrust
from kjournal.client.connection import KubeAPIError, KubeConnection
from kjournal.codec import load_json
from kjournal.config.model import ServingSettings
from kjournal.errors import ServiceUnavailable

CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


@attrs.frozen
class Trust:
    """Whose certificates name users, and whose may vouch for others."""

    client_cas: CABundle
    front_proxy: FrontProxyTrust

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        """All CAs, to be advertised in the handshake."""
        return (*self.client_cas.certificates, *self.front_proxy.cas.certificates)


def trust_of(settings: ServingSettings) -> Trust:
    """Return what the files of the settings say.

    Raises: ConfigError.
    """
    cas = load_bundle(settings.requestheader_client_ca_file, "requestheader-client-ca-file")
    front_proxy = FrontProxyTrust(
        cas=cas,
        allowed_names=settings.requestheader_allowed_names,
        username_headers=settings.requestheader_username_headers,
        uid_headers=settings.requestheader_uid_headers,
        group_headers=settings.requestheader_group_headers,
        extra_prefixes=settings.requestheader_extra_headers_prefix,
    )
    return Trust(load_bundle(settings.client_ca_file, "client-ca-file"), front_proxy)


def parse_config_map(document: Mapping[str, Any]) -> Trust:
    """Return what the ConfigMap says; a key that is absent means nobody, or no header.

    Raises: ValueError for what cannot be understood.
    """
    values = document.get("data") or {}
    if not isinstance(values, dict):
        raise ValueError("data is no object")
    front_proxy = FrontProxyTrust(
        cas=_bundle(values, "requestheader-client-ca-file"),
        allowed_names=_strings(values, "requestheader-allowed-names"),
        username_headers=_strings(values, "requestheader-username-headers"),
        uid_headers=_strings(values, "requestheader-uid-headers"),
        group_headers=_strings(values, "requestheader-group-headers"),
        extra_prefixes=_strings(values, "requestheader-extra-headers-prefix"),
    )
    return Trust(_bundle(values, "client-ca-file"), front_proxy)


def _bundle(values: Mapping[str, Any], key: str) -> CABundle:
    try:
        return parse_bundle(_string(values, key).encode())
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def _strings(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    text = _string(values, key)
    try:
        found = load_json(text) if text else []
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"{key} is no array of strings")
    return tuple(found)


def _string(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"{key} is no string")
    return value


class TrustSource(Service):
    """The trust in force: known from the start, or once the cluster has told it.

    Files come first; what they leave open is read from the ConfigMap, again and again until that
    succeeds.
    """

    _log = Logger()

    def __init__(
        self, files: Trust, clock: IReactorTime, cluster: KubeConnection | None = None
    ) -> None:
        self._files, self._clock, self._cluster = files, clock, cluster
        asks = cluster is not None and not files.front_proxy.cas
        self._known: Trust | None = None if asks else files
        self._run: Deferred[None] = succeed(None)

    @property
    def known(self) -> bool:
        """Whether the trust is known; until then no certificate is."""
        return self._known is not None

    @property
    def trust(self) -> Trust:
        """The trust in force. Raises: ServiceUnavailable while it is not known."""
        if self._known is None:
            raise ServiceUnavailable(
                "kjournal has not read yet from the cluster whose certificates to believe"
            )
        return self._known

    @property
    def authorities(self) -> tuple[x509.Certificate, ...]:
        """All CAs that are believed; none while that is not known."""
        return self._known.authorities if self._known is not None else ()

    def startService(self) -> None:
        """Begin to ask the cluster, if it must be asked."""
        super().startService()
        if not self.known and self._cluster is not None:
            self._run = Deferred.fromCoroutine(self._read_until_known(self._cluster))
            self._run.addErrback(self._ended)

    def stopService(self) -> Deferred[None]:
        """Stop asking."""
        super().stopService()
        self._run.cancel()
        return self._run

    async def _read_until_known(self, cluster: KubeConnection) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                self._known = await self._read(cluster)
            except (KubeAPIError, ValueError) as error:
                self._log.warn(
                    "cannot read the ConfigMap extension-apiserver-authentication, so no client "
                    "certificate is believed; next try in {wait_s:g} s: {error}",
                    wait_s=wait_s,
                    error=str(error),
                )
            else:
                self._log.info("the cluster told whose client certificates to believe")
                return
            await deferLater(self._clock, wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _read(self, cluster: KubeConnection) -> Trust:
        told = parse_config_map(await cluster.get_json(CONFIG_MAP))
        return attrs.evolve(told, client_cas=self._files.client_cas or told.client_cas)

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("reading whose certificates to believe ended", failure)
