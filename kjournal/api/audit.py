"""kjournal's own audit log: who asked it for what, one line of audit.k8s.io/v1 for each request.

At level Metadata, as no request has a body that matters. A watch has two lines: RequestReceived as
it is let in, since it may last for an hour, and ResponseComplete. Probes have none.
Source: apiserver pkg/endpoints/filters/audit.go, pkg/audit/request.go, plugin/pkg/audit/log
"""

import sys
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.logfile import LogFile

from kjournal.api.request import APIRequest
from kjournal.auth.user import User
from kjournal.codec import MICROSECONDS, dump_ascii_json, format_micros
from kjournal.config.model import AuditLogSettings
from kjournal.errors import ConfigError, ConfigMistake
from kjournal.kinds.model import GROUP, VERSION

STANDARD_OUTPUT = "-"
SILENCE_S = 60.0
_PROBES = frozenset({"healthz", "livez", "readyz"})
Told = Callable[[bool], object]
"""Is told of each event, and whether it could be written."""


class Writes(Protocol):
    """Takes one line at a time."""

    def write(self, data: str) -> object:
        """Write it. Raises: OSError."""

    def flush(self) -> object:
        """Let it be seen. Raises: OSError."""

    def close(self) -> object:
        """Write no more."""


def opened(settings: AuditLogSettings) -> Writes:
    """Return the log that is named: a file that is rotated by size, or standard output.

    Raises: ConfigError for a file that cannot be written.
    """
    if settings.path == STANDARD_OUTPUT:
        return sys.__stdout__ or sys.stdout
    try:
        log: Writes = LogFile.fromFullPath(
            settings.path,
            rotateLength=settings.max_size_bytes or None,
            maxRotatedFiles=settings.max_backup or None,
            defaultMode=0o600,
        )
    except OSError as error:
        found = f"{settings.path}: {error.strerror}"
        raise ConfigError([ConfigMistake("--audit-log-path", found, "a file to write")]) from error
    return log


class AuditLog:
    """Writes an event when a request ends, and one when a watch begins.

    An event that cannot be written is counted, and told in the log; the request goes on, as in
    kube-apiserver's blocking mode.
    """

    _log = Logger()

    def __init__(self, writes: Writes, clock: IReactorTime, told: Told) -> None:
        self._writes, self._clock, self._told = writes, clock, told
        self._silent_until_s = 0.0

    def close(self) -> None:
        """Close the file, if it is one."""
        if self._writes is not sys.__stdout__:
            self._writes.close()

    def begin(self, request: APIRequest) -> None:
        """Note when a request came, and write its event when it ends."""
        received_us = self._now_us()
        request.notifyFinish().addBoth(lambda _: self._complete(request, received_us))

    def let_in(self, request: APIRequest) -> None:
        """Write that a request may pass, if it is a watch."""
        if request.info.verb == "watch":
            self._write(_event(request, "RequestReceived", self._now_us(), self._now_us()))

    def _complete(self, request: APIRequest, received_us: int) -> None:
        info = getattr(request, "info", None)
        if info is not None and info.path.strip("/").partition("/")[0] in _PROBES:
            return
        event = _event(request, "ResponseComplete", received_us, self._now_us())
        if request.startedWriting:
            event["responseStatus"] = {"metadata": {}, "code": request.code}
        self._write(event)

    def _write(self, event: dict[str, Any]) -> None:
        try:
            self._writes.write(dump_ascii_json(event) + "\n")
            self._writes.flush()
        except (OSError, ValueError) as error:
            self._told(False)
            if self._clock.seconds() >= self._silent_until_s:
                self._silent_until_s = self._clock.seconds() + SILENCE_S
                why = getattr(error, "strerror", None) or type(error).__name__
                self._log.error("the audit log cannot be written: {why}", why=why)
        else:
            self._told(True)

    def _now_us(self) -> int:
        return int(self._clock.seconds() * MICROSECONDS)


def _event(request: APIRequest, stage: str, received_us: int, now_us: int) -> dict[str, Any]:
    info, user = getattr(request, "info", None), request.identity
    event: dict[str, Any] = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": request.audit_id,
        "stage": stage,
        "requestURI": request.uri.decode("utf-8", "replace"),
        "verb": info.verb
        if info is not None
        else request.method.decode("ascii", "replace").lower(),
        "user": _user(user) if user is not None else {},
        "sourceIPs": _addresses(request),
        "userAgent": request.header("User-Agent"),
        "requestReceivedTimestamp": format_micros(received_us),
        "stageTimestamp": format_micros(now_us),
    }
    if info is not None and info.kind is not None:
        named = {"resource": info.kind.plural, "namespace": info.namespace, "name": info.name}
        named |= {"apiGroup": GROUP, "apiVersion": VERSION}
        event["objectRef"] = {key: value for key, value in named.items() if value}
    if request.decision:
        event["annotations"] = {"authorization.k8s.io/decision": request.decision}
    return event


def _user(user: User) -> dict[str, Any]:
    said = {
        "username": user.name,
        "uid": user.uid,
        "groups": user.groups,
        "extra": dict(user.extra),
    }
    return {key: value for key, value in said.items() if value}


def _addresses(request: APIRequest) -> list[str]:
    """Return what was claimed on the way, and last who is at the other end.

    Source: apimachinery pkg/util/net/http.go, SourceIPs
    """
    claimed = [part.strip() for part in request.header("X-Forwarded-For").split(",")]
    peer = getattr(request.getClientAddress(), "host", "")
    return [address for address in [*claimed, peer] if address]
