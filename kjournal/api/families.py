"""The figures of kube-apiserver that kjournal has too: their names, labels and buckets.

They are kube-apiserver's own, so that its dashboards and alerts fit.

Source: apiserver pkg/endpoints/metrics/metrics.go, pkg/endpoints/filters/metrics.go,
pkg/authorization/authorizerfactory/metrics.go.
"""

import re
from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

_KIND = ("group", "version", "resource")
_PLACE = (*_KIND, "subresource", "scope")
_REQUEST = ("verb", *_PLACE, "component")
_DRY = ("verb", "dry_run", *_PLACE, "component")
_SECONDS = (
    *(0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8),
    *(10, 15, 20, 30, 45, 60),
)
_LISTING_S = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60)
_AUTH_S = tuple(0.001 * 2**power for power in range(15))
_REVIEW_S = (0.25, 0.5, 0.7, 1, 1.5, 3, 5, 10)
_BODY_BYTES = tuple(10.0**power for power in range(3, 10))
_EVENT_BYTES = tuple(1024.0 * 2**power for power in range(8))

# Two counters of kube-apiserver have no _total, which prometheus_client gives to every counter.
_WITHOUT_TOTAL = re.compile(rb"\b(authentication_attempts|authenticated_user_requests)_total\b")


class Families:
    """The figures, those of the process among them, in a registry of their own.

    `shared` holds each set of labels of a request once: there are few sets, and many watches.
    """

    def __init__(self) -> None:
        self.shared: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._define_requests()
        self._define_auth()

    def _define_requests(self) -> None:
        self.requests = self._counter(
            "apiserver_request_total",
            "Requests that have ended, by HTTP response code; 0 if the client left before any.",
            (*_DRY, "code"),
        )
        self.durations = self._histogram(
            "apiserver_request_duration_seconds",
            "How long requests took; a watch as long as it was open.",
            _DRY,
            _SECONDS,
        )
        self.long_running = self._gauge(
            "apiserver_longrunning_requests", "Watches that are open.", _REQUEST
        )
        self.body_sizes = self._histogram(
            "apiserver_response_sizes", "Bytes of responses.", _REQUEST, _BODY_BYTES
        )
        self.inflight = self._gauge(
            "apiserver_current_inflight_requests",
            "Most requests that were answered at once in the last second; watches do not count.",
            ("request_kind",),
        )
        self.watch_events = self._counter(
            "apiserver_watch_events_total", "Events sent in watches.", _KIND
        )
        self.watch_event_sizes = self._histogram(
            "apiserver_watch_events_sizes", "Bytes of these.", _KIND, _EVENT_BYTES
        )
        self.listings = self._histogram(
            "apiserver_watch_list_duration_seconds",
            "How long watches took to send all initial events.",
            (*_KIND, "scope"),
            _LISTING_S,
        )
        self.terminations = self._counter(
            "apiserver_request_terminations_total",
            "Requests that were ended in self-defense.",
            (*_REQUEST, "code"),
        )
        self.aborts = self._counter(
            "apiserver_request_aborts_total",
            "Answers that were cut by kjournal.",
            ("verb", *_PLACE),
        )

    def _define_auth(self) -> None:
        result = ("result",)
        self.users = self._counter(
            "authenticated_user_requests",
            "Authenticated requests, by a few well-known users, email_id and other.",
            ("username",),
        )
        self.authentications = self._counter(
            "authentication_attempts", "Attempts to authenticate.", result
        )
        self.authentication_s = self._histogram(
            "authentication_duration_seconds", "How long these took.", result, _AUTH_S
        )
        self.authorizations = self._counter(
            "authorization_attempts_total", "Attempts to authorize.", result
        )
        self.authorization_s = self._histogram(
            "authorization_duration_seconds", "How long these took.", result, _AUTH_S
        )
        self.token_reviews = self._counter(
            "apiserver_delegated_authn_request_total",
            "TokenReviews that were sent, by HTTP response code.",
            ("code",),
        )
        self.token_review_s = self._histogram(
            "apiserver_delegated_authn_request_duration_seconds",
            "How long these took.",
            ("code",),
            _REVIEW_S,
        )
        self.audit_events = self._counter(
            "apiserver_audit_event_total", "Audit events that were written.", ()
        )
        self.audit_errors = self._counter(
            "apiserver_audit_error_total", "Audit events that could not be written.", ("plugin",)
        )
        self.reviews = self._counter(
            "apiserver_delegated_authz_request_total",
            "SubjectAccessReviews that were sent, by HTTP response code.",
            ("code",),
        )
        self.review_s = self._histogram(
            "apiserver_delegated_authz_request_duration_seconds",
            "How long these took.",
            ("code",),
            _REVIEW_S,
        )

    def _counter(self, name: str, doc: str, labels: Sequence[str]) -> Counter:
        return Counter(name, doc, labels, registry=self.registry)

    def _gauge(self, name: str, doc: str, labels: Sequence[str]) -> Gauge:
        return Gauge(name, doc, labels, registry=self.registry)

    def _histogram(
        self, name: str, doc: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Histogram:
        return Histogram(name, doc, labels, registry=self.registry, buckets=buckets)

    def render(self) -> bytes:
        """Return all figures in Prometheus' text format 0.0.4."""
        return _WITHOUT_TOTAL.sub(rb"\1", generate_latest(_WithoutCreated(self.registry)))


class _WithoutCreated(Collector):
    """A registry without the times at which its figures began, which kube-apiserver has not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """Return the families that the registry collects."""
        for family in self._registry.collect():
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            yield family
