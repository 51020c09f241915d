"""Health, version and metrics: what probes and Prometheus ask.

Source: apiserver pkg/server/healthz/healthz.go.
"""

import platform
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version

import attrs
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kjournal.api.request import APIRequest
from kjournal.api.resource import Resource
from kjournal.errors import NotFound
from kjournal.kinds.model import Object

_TEXT = "text/plain; charset=utf-8"
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


@attrs.define
class Health:
    """The checks. None depends on the store: a store that is down must not take discovery along.

    `stopping` fails readyz first, so that endpoints drain before anything is refused; `ready` are
    further checks of readyz, by name. `notes` are sentences that `verbose` shows and that fail
    nothing.
    """

    stopping: bool = False
    ready: dict[str, Callable[[], bool]] = attrs.field(factory=dict)
    notes: Callable[[], Iterable[str]] = tuple

    def checks(self, path: str) -> dict[str, bool]:
        """Return the checks of an endpoint by name."""
        found = {"ping": True}
        if path == "/readyz":
            found["shutdown"] = not self.stopping
            found.update({name: check() for name, check in self.ready.items()})
        return found

    def answer(self, request: APIRequest) -> None:
        """Answer a probe: `ok`, or a line per check where one fails or `verbose` is asked for.

        Raises: NotFound for a check that does not exist.
        """
        path, _, check = request.info.path.strip("/").partition("/")
        checks = self.checks(f"/{path}")
        if check:
            if check not in checks:
                raise NotFound("there is no such check")
            checks = {check: checks[check]}
        excluded = request.args.get(b"exclude", [])
        checks = {n: ok for n, ok in checks.items() if n.encode() not in excluded}
        healthy = all(checks.values())
        if healthy and "verbose" not in request.parameters:
            request.send_body(b"ok", 200, _TEXT)
            return
        lines = [
            f"[{'+' if ok else '-'}]{name} {'ok' if ok else 'failed: reason withheld'}\n"
            for name, ok in checks.items()
        ]
        lines += [f"[i]{note}\n" for note in self.notes()]
        lines.append(f"{path} check {'passed' if healthy else 'failed'}\n")
        request.send_body("".join(lines).encode(), 200 if healthy else 500, _TEXT)


def version_document() -> Object:
    """Return what /version answers.

    Source: apimachinery pkg/version/types.go.
    """
    release = version("kjournal")
    major, minor, *_ = [*release.split("."), "0"]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{release}",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


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


def metrics_of(resources: Mapping[str, Resource]) -> Callable[[], bytes]:
    """Return what renders /metrics, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(resources))
    return lambda: generate_latest(registry)
