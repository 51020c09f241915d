"""The names, labels and buckets on /metrics, and the form in which Prometheus reads them."""

from typing import Any

from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure

from kjournal.api.metrics import Metrics
from tests.unit.api.figures import families, observed
from tests.unit.api.serving import Server, Step
from tests.unit.api.verbs import LINES, WATCHLIST

REQUEST = "verb group version resource subresource scope component"
LABELS = {
    "apiserver_request_total": f"{REQUEST} dry_run code",
    "apiserver_request_duration_seconds": f"{REQUEST} dry_run",
    "apiserver_longrunning_requests": REQUEST,
    "apiserver_response_sizes": REQUEST,
    "apiserver_watch_events_total": "group version resource",
    "apiserver_watch_events_sizes": "group version resource",
    "apiserver_watch_list_duration_seconds": "group version resource scope",
    "apiserver_current_inflight_requests": "request_kind",
    "apiserver_request_terminations_total": f"{REQUEST} code",
    "apiserver_request_aborts_total": REQUEST.removesuffix(" component"),
    "authentication_attempts": "result",
    "authenticated_user_requests": "username",
    "authentication_duration_seconds": "result",
    "authorization_attempts_total": "result",
    "authorization_duration_seconds": "result",
    "apiserver_delegated_authz_request_total": "code",
    "apiserver_delegated_authz_request_duration_seconds": "code",
}
BOUNDS = {
    "apiserver_request_duration_seconds": (
        "0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1.0 1.25 1.5 2.0 3.0 4.0 5.0 6.0 8.0 10.0 15.0 20.0 "
        "30.0 45.0 60.0 +Inf"
    ),
    "apiserver_response_sizes": "1000.0 10000.0 100000.0 1e+06 1e+07 1e+08 1e+09 +Inf",
    "apiserver_watch_events_sizes": (
        "1024.0 2048.0 4096.0 8192.0 16384.0 32768.0 65536.0 131072.0 +Inf"
    ),
    "apiserver_watch_list_duration_seconds": (
        "0.05 0.1 0.2 0.4 0.6 0.8 1.0 2.0 4.0 6.0 8.0 10.0 15.0 20.0 30.0 45.0 60.0 +Inf"
    ),
    "authorization_duration_seconds": (
        "0.001 0.002 0.004 0.008 0.016 0.032 0.064 0.128 0.256 0.512 1.024 2.048 4.096 8.192 "
        "16.384 +Inf"
    ),
    "apiserver_delegated_authz_request_duration_seconds": "0.25 0.5 0.7 1.0 1.5 3.0 5.0 10.0 +Inf",
}
UNSUFFIXED = {"authentication_attempts", "authenticated_user_requests"}


def used(api: Server) -> Metrics:
    """Return figures that all have a sample."""
    metrics = observed(api)
    api.line("x")
    api.call("/livez")
    watch = api.get(f"{LINES}?watch=1&dryRun=All{WATCHLIST}")
    api.tick()
    watch.channel.connectionLost(Failure(ConnectionAborted()))
    metrics.authenticated("success", 0.5, "admin")
    metrics.authorized("allowed", 0.5)
    metrics.reviewed("201", 0.5)

    async def terminate(request: Any) -> None:
        request.metrics.terminated(504)

    api.site.resource._guard = Step(terminate, authorizes=True)  # type: ignore[attr-defined]
    api.get(LINES)
    return metrics


def test_names_and_labels(api: Server) -> None:
    """They are kube-apiserver's, to the letter, so that its dashboards fit."""
    found = families(used(api))
    for name, labels in LABELS.items():
        for sample in found[name].samples:
            assert sample.labels.keys() - {"le"} == set(labels.split()), name
        assert found[name].samples, name


def test_buckets(api: Server) -> None:
    """So are the bounds of histograms."""
    found = families(used(api))
    for name, bounds in BOUNDS.items():
        shown = [s.labels["le"] for s in found[name].samples if s.name == f"{name}_bucket"]
        assert shown[: len(bounds.split())] == bounds.split(), name


def test_they_are_as_prometheus_wants_them(api: Server) -> None:
    """Each family has a text and a type, counters end in _total, and there are no _created."""
    text = used(api)
    for name, family in families(text).items():
        assert family.documentation, name
        assert family.type in ("counter", "gauge", "histogram"), name
        assert name.endswith("_total") == (family.type == "counter" and name not in UNSUFFIXED)
        assert not name.endswith("_created"), name
    assert b"authentication_attempts{" in text.render()
    assert b"authenticated_user_requests{" in text.render()


def test_the_process_is_shown(api: Server) -> None:
    """Its memory, files and processor time, under the names that all programs have for them."""
    found = families(observed(api))
    for name in ("resident_memory_bytes", "open_fds", "max_fds", "cpu_seconds_total"):
        assert found[f"process_{name}"].samples[0].value > 0
