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


@attrs.define
class Health:
    """The checks. None depends on the store: a store that is down must not take discovery along.

    `stopping` fails readyz first, so that endpoints drain before anything is refused; `ready` are
    further checks of readyz, by name.
    """

    stopping: bool = False
    ready: dict[str, Callable[[], bool]] = attrs.field(factory=dict)

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
        watches = GaugeMetricFamily(
            "kjournal_watches", "Watches that are open.", labels=["resource"]
        )
        running = GaugeMetricFamily(
            "kjournal_tail_running", "1 while the tail polls.", labels=["resource"]
        )
        failing = GaugeMetricFamily(
            "kjournal_store_failing_seconds",
            "How long the store has not answered the tail.",
            labels=["resource"],
        )
        unplaced = CounterMetricFamily(
            "kjournal_records_without_namespace",
            "Records that nobody was shown, as their namespace cannot be read.",
            labels=["resource"],
        )
        for plural, resource in self._resources.items():
            tail = resource.tail
            since_s = tail.failing_since_s
            now_s = resource.clock.seconds()
            watches.add_metric([plural], len(tail.hub))
            running.add_metric([plural], int(tail.running))
            failing.add_metric([plural], 0.0 if since_s is None else now_s - since_s)
            unplaced.add_metric([plural], tail.unplaced)
        return [watches, running, failing, unplaced]


def metrics_of(resources: Mapping[str, Resource]) -> Callable[[], bytes]:
    """Return what renders /metrics, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(resources))
    return lambda: generate_latest(registry)
