"""Which certificates are believed: from files, or from the cluster's own ConfigMap.

Source: apiserver pkg/server/options/authentication.go, authentication_dynamic_request_header.go
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

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
from kjournal.errors import ConfigError, ServiceUnavailable

NAME = "extension-apiserver-authentication"
CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
CONFIG_MAP = f"{CONFIG_MAPS}/{NAME}"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0
RECHECK_S = 60.0


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
    """The trust in force: known from the start, or once the cluster has told it, and followed.

    Files come first; what they leave open is read from the ConfigMap. Both are looked at again each
    minute, and the ConfigMap when a watch tells of a change. What cannot be read or understood
    changes nothing: the last good trust stays.
    """

    _log = Logger()

    def __init__(
        self,
        files: Trust,
        clock: IReactorTime,
        cluster: KubeConnection | None = None,
        read_files: Callable[[], Trust] | None = None,
    ) -> None:
        """`read_files` reads the files again, and may raise ConfigError."""
        self._files, self._clock, self._cluster = files, clock, cluster
        self._read_files = read_files or (lambda: files)
        asks = cluster is not None and not files.front_proxy.cas
        self._asks = cluster if asks else None
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
        """Begin to look, and go on."""
        super().startService()
        self._run = Deferred.fromCoroutine(self._follow())
        self._run.addErrback(self._ended)

    def stopService(self) -> Deferred[None]:
        """Stop looking."""
        super().stopService()
        self._run.cancel()
        return self._run

    async def _follow(self) -> None:
        wait_s, version = FIRST_WAIT_S, ""
        if self._asks is None:
            await deferLater(self._clock, RECHECK_S)
        while True:
            try:
                version = await self._look()
                wait_s = FIRST_WAIT_S
                await self._next(version)
            except (KubeAPIError, ValueError, ConfigError) as error:
                self._log.warn(
                    "cannot read whose client certificates to believe, so {what}; next try in "
                    "{wait_s:g} s: {error}",
                    what="it stays as it was" if self.known else "none is believed",
                    wait_s=wait_s,
                    error=str(error),
                )
                await deferLater(self._clock, wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _look(self) -> str:
        """Read everything once, and return the version of the ConfigMap."""
        files, version = self._read_files(), ""
        found = files
        if self._asks is not None:
            document = await self._asks.get_json(CONFIG_MAP)
            told = parse_config_map(document)
            if not told.front_proxy.cas and not told.client_cas:
                raise ValueError("the ConfigMap names no CA")
            version = _version_of(document)
            found = attrs.evolve(told, client_cas=files.client_cas or told.client_cas)
        if found != self._known:
            self._log.info("it is known whose client certificates to believe")
            self._known = found
        return version

    async def _next(self, version: str) -> None:
        """Return when it is time to look again."""
        if self._asks is None or not version:
            await deferLater(self._clock, RECHECK_S)
            return
        began_s = self._clock.seconds()
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={NAME}",
            "resourceVersion": version,
            "timeoutSeconds": f"{RECHECK_S:.0f}",
        }
        try:
            await self._asks.changed(f"{CONFIG_MAPS}?{urlencode(query)}", RECHECK_S)
        except KubeAPIError as error:
            # The recheck does without, and finds out what is wrong.
            self._log.debug("the watch of the ConfigMap failed: {error}", error=str(error))
            await deferLater(self._clock, RECHECK_S)
        # A server that ends each watch at once must not be asked without a pause.
        await deferLater(self._clock, max(0.0, FIRST_WAIT_S - (self._clock.seconds() - began_s)))

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("reading whose certificates to believe ended", failure)


def _version_of(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""
