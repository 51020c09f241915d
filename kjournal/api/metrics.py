"""What is counted of requests and of who asks, and kjournal's own figures of its tails."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure
from zope.interface import implementer

from kjournal.api.families import Families
from kjournal.api.request import APIRequest
from kjournal.api.requestinfo import RequestInfo
from kjournal.api.resource import Resource
from kjournal.api.writer import IEventStream
from kjournal.kinds.model import GROUP, VERSION

_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE", "WATCH"})
_READS = frozenset({"GET", "LIST", "WATCH"})
_HEALTH_PATHS = frozenset({"/healthz", "/livez", "/readyz"})
_KNOWN_USERS = frozenset(
    {"admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"}
)
_GAUGES = (
    ("kjournal_watches", "Watches that are open."),
    ("kjournal_tail_running", "1 while the tail polls."),
    ("kjournal_tail_lag_seconds", "How long ago the poll began that left nothing to be had."),
    ("kjournal_tail_unsettled_records", "Records above the settled marks of their shards."),
    ("kjournal_tail_inexact_indices", "Indices that can only be followed by time."),
    ("kjournal_watch_cache_events", "Events kept for watches that lag or resume."),
    ("kjournal_watch_cache_bytes", "Bytes of these (estimated)."),
    ("kjournal_store_failing_seconds", "How long the store has not answered the tail."),
)
_COUNTERS = (
    ("kjournal_tail_polls", "Polls of the store that were answered."),
    ("kjournal_tail_starts", "How often the tail began to poll."),
    ("kjournal_watches_closed_slow", "Watches closed since their readers were too slow."),
    (
        "kjournal_records_without_namespace",
        "Records that nobody was shown, as their namespace cannot be read.",
    ),
)


class Metrics:
    """The figures of one gateway; `seconds` tells time, and only its differences count."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._families, self._inflight = Families(), _Inflight(seconds)
        self._families.inflight.labels("readOnly").set_function(self._inflight.most)

    def render(self) -> bytes:
        """Return all figures in Prometheus' text format 0.0.4."""
        return self._families.render()

    def show_tails(self, resources: Mapping[str, Resource]) -> None:
        """Show the figures of these kinds' tails too, read when they are asked for."""
        self._families.registry.register(_Collector(resources))

    def begin(self, request: APIRequest) -> "RequestMetrics":
        """Count a request, whose `info` and `parameters` are known, when it ends in any way.

        Return what is told of what happens to it until then.
        """
        return RequestMetrics(self._families, self._inflight, request)

    def authenticated(self, result: str, took_s: float, username: str = "") -> None:
        """Count an attempt to authenticate: success, failure or error, and of whom."""
        self._families.authentications.labels(result).inc()
        self._families.authentication_s.labels(result).observe(max(0.0, took_s))
        if result == "success":
            self._families.users.labels(_user_shown(username)).inc()

    def authorized(self, result: str, took_s: float) -> None:
        """Count an attempt to authorize: allowed, denied, no-opinion or error."""
        self._families.authorizations.labels(result).inc()
        self._families.authorization_s.labels(result).observe(max(0.0, took_s))

    def reviewed(self, code: str, took_s: float) -> None:
        """Count a SubjectAccessReview by the answer's HTTP code, or `<error>`."""
        self._families.reviews.labels(code).inc()
        self._families.review_s.labels(code).observe(max(0.0, took_s))

    def audited(self, is_written: bool) -> None:
        """Count an audit event."""
        if is_written:
            self._families.audit_events.inc()
        else:
            self._families.audit_errors.labels("log").inc()

    def token_reviewed(self, code: str, took_s: float) -> None:
        """Count a TokenReview by the answer's HTTP code, or `<error>`."""
        self._families.token_reviews.labels(code).inc()
        self._families.token_review_s.labels(code).observe(max(0.0, took_s))


class RequestMetrics:
    """What /metrics will say of one request; there are as many as there are watches."""

    __slots__ = ("_began_s", "_dry_run", "_families", "_inflight", "_labels")

    def __init__(self, families: Families, inflight: "_Inflight", request: APIRequest) -> None:
        self._families, self._inflight = families, inflight
        self._began_s = inflight.seconds()
        labels = _labels_of(request.method.decode("ascii", "replace"), request.info)
        self._labels = families.shared.setdefault(labels, labels)
        self._dry_run = _dry_run_of(request.parameters.get("dryRun"))
        self._open(1)
        request.notifyFinish().addBoth(self._ended, request)

    def counted(self, stream: IEventStream) -> IEventStream:
        """Return a watch's stream that counts what is sent in it."""
        return _CountedStream(stream, self)

    def wrote(self, event_bytes: int) -> None:
        """Count a watch event, of any type, by the bytes of its frame."""
        kind = self._labels[1:4]
        self._families.watch_events.labels(*kind).inc()
        self._families.watch_event_sizes.labels(*kind).observe(event_bytes)

    def listed(self) -> None:
        """Note that a watch has sent all its initial events, and the bookmark that says so."""
        labels = (*self._labels[1:4], self._labels[5])
        self._families.listings.labels(*labels).observe(self._inflight.seconds() - self._began_s)

    def terminated(self, code: int) -> None:
        """Note that kjournal ends the request in self-defense: 504 at its deadline, or 429."""
        self._families.terminations.labels(*self._labels, str(code)).inc()

    def _open(self, by: int) -> None:
        if self._labels[0] == "WATCH":
            self._families.long_running.labels(*self._labels).inc(by)
        else:
            self._inflight.change(by)

    def _ended(self, how: object, request: APIRequest) -> None:
        is_whole = not isinstance(how, Failure)
        if isinstance(how, Failure) and how.check(ConnectionAborted):
            self._families.aborts.labels(*self._labels[:-1]).inc()
        # As in Go, where the status of an answer that never began is 0.
        code = str(request.code) if is_whole or request.startedWriting else "0"
        self._count(code, request.sentLength)

    def _count(self, code: str, body_bytes: int) -> None:
        self._open(-1)
        verb, *rest = self._labels
        dry = (verb, self._dry_run, *rest)
        self._families.requests.labels(*dry, code).inc()
        self._families.durations.labels(*dry).observe(self._inflight.seconds() - self._began_s)
        if verb in _READS:
            self._families.body_sizes.labels(*self._labels).observe(body_bytes)


@implementer(IEventStream)
class _CountedStream:
    """A stream that counts frames as they are taken from it; those of one that ended are not."""

    __slots__ = ("_metrics", "_stream")

    def __init__(self, stream: IEventStream, metrics: RequestMetrics) -> None:
        self._stream, self._metrics = stream, metrics

    async def send(self, frames: Iterable[bytes]) -> None:
        """Send frames, and count them."""
        await self._stream.send(self._counted(frames))

    async def finish(self, frames: Iterable[bytes]) -> None:
        """Send the last frames, count them, and end the stream."""
        await self._stream.finish(self._counted(frames))

    def _counted(self, frames: Iterable[bytes]) -> Iterator[bytes]:
        for frame in frames:
            self._metrics.wrote(len(frame))
            yield frame


class _Inflight:
    """How many requests are being answered, and the most of the last second.

    What is so now says little: whoever asks for it does so between two steps of the reactor.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds
        self._now = self._most = self._most_before = 0
        self._second = int(seconds())

    def change(self, by: int) -> None:
        """Note that a request has begun, by 1, or ended, by -1."""
        self._roll()
        self._now += by
        self._most = max(self._most, self._now)

    def most(self) -> float:
        """Return the most of this second and the one before."""
        self._roll()
        return max(self._most, self._most_before)

    def _roll(self) -> None:
        second = int(self.seconds())
        if second != self._second:
            self._most_before = self._most if second == self._second + 1 else self._now
            self._most, self._second = self._now, second


def _labels_of(method: str, info: RequestInfo) -> tuple[str, ...]:
    """Return the labels in the order of `_REQUEST`: none is text that a client made up."""
    scope = _scope_of(method, info)
    verb = _verb_of(method, info, scope)
    if info.kind is not None:
        return (verb, GROUP, VERSION, info.kind.plural, "", scope, "apiserver")
    if info.path in _HEALTH_PATHS:
        return (verb, "", "", "", info.path, "", "")
    return (verb, "", "", "", "", "", "apiserver")


def _scope_of(method: str, info: RequestInfo) -> str:
    if info.kind is None:
        return ""
    if info.name or method == "POST":
        return "resource"
    return "namespace" if info.namespace else "cluster"


def _verb_of(method: str, info: RequestInfo, scope: str) -> str:
    if info.kind is not None and info.verb == "watch":
        return "WATCH"
    if method in ("GET", "HEAD"):
        return "LIST" if scope in ("namespace", "cluster") else "GET"
    return method if method in _METHODS else "other"


def _dry_run_of(asked: str | None) -> str:
    if asked is None:
        return ""
    return asked if asked == "All" else "invalid"


def _user_shown(username: str) -> str:
    if username in _KNOWN_USERS:
        return username
    return "email_id" if "@" in username else "other"


class _Collector(Collector):
    """The tails' figures, read when they are asked for."""

    def __init__(self, resources: Mapping[str, Resource]) -> None:
        self._resources = resources

    def collect(self) -> Iterable[Metric]:
        """Return one sample of each figure for each kind."""
        gauges = {name: GaugeMetricFamily(name, doc, labels=["resource"]) for name, doc in _GAUGES}
        counters = {
            name: CounterMetricFamily(name, doc, labels=["resource"]) for name, doc in _COUNTERS
        }
        resumes = CounterMetricFamily(
            "kjournal_watch_resumes",
            "Watches that came with a resourceVersion, by how they went on.",
            labels=["resource", "how"],
        )
        for plural, resource in self._resources.items():
            for name, value in _figures(resource).items():
                family = gauges.get(name) or counters[name]
                family.add_metric([plural], value)
            for how, count in resource.tail.figures.resumes.items():
                resumes.add_metric([plural, how], count)
        return [*gauges.values(), *counters.values(), resumes]


def _figures(resource: Resource) -> dict[str, float]:
    tail, now_s = resource.tail, resource.clock.seconds()
    figures = tail.figures

    def since(moment_s: float | None) -> float:
        return 0.0 if moment_s is None else now_s - moment_s

    return {
        "kjournal_watches": len(tail.hub),
        "kjournal_tail_running": int(tail.running),
        "kjournal_tail_lag_seconds": since(figures.caught_up_s) if tail.running else 0.0,
        "kjournal_tail_unsettled_records": figures.unsettled,
        "kjournal_tail_inexact_indices": figures.inexact,
        "kjournal_watch_cache_events": len(tail.hub.window.all),
        "kjournal_watch_cache_bytes": tail.hub.window.bytes,
        "kjournal_store_failing_seconds": since(figures.failing_since_s),
        "kjournal_tail_polls": figures.polls,
        "kjournal_tail_starts": figures.starts,
        "kjournal_watches_closed_slow": figures.slow_closes,
        "kjournal_records_without_namespace": figures.unplaced,
    }
