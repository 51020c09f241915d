"""Health: what probes ask.

Source: apiserver pkg/server/healthz/healthz.go.
"""

from collections.abc import Callable, Iterable

import attrs
from twisted.logger import ILogObserver, LogEvent, Logger, LogPublisher, globalLogPublisher
from zope.interface import implementer

from kjournal.api.request import APIRequest
from kjournal.codec import dump_json
from kjournal.errors import NotFound

_TEXT = "text/plain; charset=utf-8"
Check = Callable[[], str]
"""Returns why it fails, in words for whom may know, or "" if it does not."""


@implementer(ILogObserver)
class LogCheck:
    """Whether kjournal can still log; it must be an observer of that log to know.

    A publisher tells of an observer that fails, but only to the others.
    """

    def __init__(self, publisher: LogPublisher = globalLogPublisher) -> None:
        self._log = Logger(observer=publisher)
        self._broken = False

    def __call__(self, event: LogEvent) -> None:
        """Note whether the event tells of an observer that failed."""
        told_by = event.get("log_namespace")
        self._broken = told_by == LogPublisher.__module__ and "log_failure" in event

    def why_not(self) -> str:
        """Return why it fails: what was logged last could not be written, nor can it be now."""
        if self._broken:
            self._log.info("this is logged to find out whether it can be")
        return "logging fails" if self._broken else ""


@attrs.define
class Health:
    """The checks. None depends on the store: a store that is down must not take discovery along.

    `stopping` fails readyz first, so that endpoints drain before anything is refused; `readiness`
    are further checks of readyz, by name. `notes` are sentences that `verbose` shows and that fail
    nothing. `log` is to be made an observer of the log.
    """

    stopping: bool = False
    readiness: dict[str, Check] = attrs.field(factory=dict)
    notes: Callable[[], Iterable[str]] = tuple
    log: LogCheck = attrs.field(factory=LogCheck)

    def checks(self, endpoint: str) -> dict[str, Check]:
        """Return the checks of an endpoint by name, in the order in which they are shown."""
        found: dict[str, Check] = {"ping": str, "log": self.log.why_not}
        if endpoint == "readyz":
            found.update(self.readiness)
            found["shutdown"] = lambda: "process is shutting down" if self.stopping else ""
        return found

    def answer(self, request: APIRequest) -> None:
        """Answer a probe: `ok`, or a line per check where one fails or `verbose` is asked for.

        Raises: NotFound for a check that does not exist.
        """
        endpoint, _, name = request.info.path.strip("/").partition("/")
        checks = self.checks(endpoint)
        if name:
            _answer_one(request, checks.get(name))
            return
        lines, healthy = _lines_of(checks, request.args.get(b"exclude", []))
        if healthy and "verbose" not in request.parameters:
            request.send_body(b"ok", 200, _TEXT)
            return
        lines += [f"[i]{note}" for note in self.notes()]
        lines.append(f"{endpoint} check {'passed' if healthy else 'failed'}\n")
        request.send_body("\n".join(lines).encode(), 200 if healthy else 500, _TEXT)


def _answer_one(request: APIRequest, check: Check | None) -> None:
    if check is None:
        raise NotFound("there is no such check")
    why = check()
    body = f"internal server error: {why}\n" if why else "ok"
    request.send_body(body.encode(), 500 if why else 200, _TEXT)


def _lines_of(checks: dict[str, Check], excluded: Iterable[bytes]) -> tuple[list[str], bool]:
    """Return what is shown of the checks, and whether none fails.

    Why one fails is not shown: anybody may ask, and for the detail only whom the path of a check
    is allowed.
    """
    names = {name.decode(errors="replace") for name in excluded}
    lines, healthy = [], True
    for name, check in checks.items():
        if name in names:
            line = f"[+]{name} excluded: ok"
        elif check():
            line, healthy = f"[-]{name} failed: reason withheld", False
        else:
            line = f"[+]{name} ok"
        lines.append(line)
    if unknown := names - checks.keys():
        quoted = ",".join(dump_json(name).decode() for name in sorted(unknown))
        lines.append(f"warn: some health checks cannot be excluded: no matches for {quoted}")
    return lines, healthy
