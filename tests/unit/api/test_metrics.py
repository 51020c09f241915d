"""The figures on /metrics: kjournal's of its tails, and kube-apiserver's of requests."""

from typing import Any

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure

from kjournal.api.gate import Gate
from kjournal.api.metrics import Metrics
from kjournal.api.routes import Routes, Surface
from kjournal.api.site import APISite

from kjournal.errors import Forbidden, StoreUnavailable
from kjournal.query.model import Batch
from kjournal.tail.figures import Figures, TailLimits
from tests.unit.api.serving import ROOT, Server, Step, server
from tests.unit.api.verbs import LINES, WATCHLIST

SHOWN = {
    "kjournal_watches",
    "kjournal_tail_running",
    "kjournal_tail_lag_seconds",
    "kjournal_tail_unsettled_records",
    "kjournal_tail_inexact_indices",
    "kjournal_watch_cache_events",
    "kjournal_watch_cache_bytes",
    "kjournal_store_failing_seconds",
    "kjournal_tail_polls_total",
    "kjournal_tail_starts_total",
    "kjournal_watches_closed_slow_total",
    "kjournal_records_without_namespace_total",
}


def samples(api: Server) -> dict[str, float]:
    """Return all samples by name and labels."""
    lines = api.call("/metrics").body.decode().splitlines()
    split = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in split}


def of_lines(api: Server, name: str) -> float:
    return samples(api)[f'{name}{{resource="containerlogs"}}']


def resumes(api: Server, how: str) -> float:
    return samples(api)[f'kjournal_watch_resumes_total{{how="{how}",resource="containerlogs"}}']


def test_all_of_all_kinds(api: Server) -> None:
    """Each figure is there for each kind, before anybody asked for anything."""
    found = samples(api)
    for plural in ("containerlogs", "events", "auditevents", "logs"):
        names = {name for name in found if name.endswith(f'{{resource="{plural}"}}')}
        assert names == {f'{name}{{resource="{plural}"}}' for name in SHOWN}
    assert {found[name] for name in found if name.startswith("kjournal_")} == {0.0}


def test_every_figure_is_shown() -> None:
    """A figure that is added to a tail is to be added here."""
    assert set(Figures.__slots__) - {"__weakref__"} == {
        "unplaced",
        "starts",
        "polls",
        "slow_closes",
        "unsettled",
        "inexact",
        "caught_up_s",
        "failing_since_s",
        "resumes",
    }


def test_a_tail_at_work(api: Server) -> None:
    """Watches, starts, polls, the cache, and records that belong to nobody."""
    watch = api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.line("x")
    api.backend.write("i", "y", {"payload": "of nobody"})
    api.tick()
    found = {
        name: of_lines(api, f"kjournal_{name}")
        for name in (
            "watches",
            "tail_running",
            "tail_starts_total",
            "tail_polls_total",
            "watch_cache_events",
            "records_without_namespace_total",
        )
    }
    assert found == {
        "watches": 1,
        "tail_running": 1,
        "tail_starts_total": 1,
        "tail_polls_total": api.store().calls.count("poll"),
        "watch_cache_events": 1,
        "records_without_namespace_total": 1,
    }
    assert of_lines(api, "kjournal_watch_cache_bytes") > 2000
    watch.leave()
    assert of_lines(api, "kjournal_watches") == 0


def test_frames_count_as_cache(api: Server) -> None:
    """What is kept in more representations weighs more."""
    watch = api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.line("x")
    api.tick()
    weight = of_lines(api, "kjournal_watch_cache_bytes")
    frame = len(watch.body)
    assert frame > 100
    assert weight >= 2000 + frame


def test_lag_and_failure(api: Server) -> None:
    """A store that does not answer makes the lag grow, and says for how long."""
    api.get(f"{LINES}?watch=1&resourceVersion=0")
    api.tick()
    assert of_lines(api, "kjournal_tail_lag_seconds") == 0
    api.store().next_answers("poll", *[StoreUnavailable("gone")] * 9)
    for _ in range(5):
        api.tick(2)
    assert of_lines(api, "kjournal_tail_lag_seconds") == 10
    assert of_lines(api, "kjournal_store_failing_seconds") == 8
    api.store().answers.clear()
    for _ in range(10):
        api.tick(1)
    assert of_lines(api, "kjournal_store_failing_seconds") == 0
    assert of_lines(api, "kjournal_tail_lag_seconds") <= 1


def test_a_store_that_hangs(api: Server) -> None:
    """A poll without an answer is a lag too."""
    api.get(LINES)
    api.store().next_answers("poll", Deferred())
    api.tick(100)
    api.tick(100)
    assert of_lines(api, "kjournal_tail_lag_seconds") >= 100


def test_what_the_store_tells(api: Server) -> None:
    """Numbers held one by one, and indices that are followed by time."""

    async def poll(position: object) -> Batch:
        return Batch(records=[], position=0, unsettled=70, inexact=2)  # type: ignore[arg-type]

    store: object = api.store()
    object.__setattr__(api.tail(), "_store", _Polling(store, poll))
    api.get(LINES)
    assert of_lines(api, "kjournal_tail_unsettled_records") == 70
    assert of_lines(api, "kjournal_tail_inexact_indices") == 2


class _Polling:
    def __init__(self, store: object, poll: object) -> None:
        self.poll = poll


def test_resumes() -> None:
    """How watches went on: exactly, with an overlap, from the store, or not at all."""
    api = server(limits=TailLimits(resume_window_s=3600))
    watched = api.get(f"{LINES}?watch=1&resourceVersion=0")
    for _ in range(20):
        api.tick()
    version = int(api.get(LINES).json["metadata"]["resourceVersion"])
    for asked in (version, version + 1, version + 2, version - 10**9, 1):
        api.get(f"{LINES}?watch=1&resourceVersion={asked}")
    found = [resumes(api, how) for how in ("exact", "overlap", "store", "expired")]
    assert found == [1, 2, 1, 1]
    watched.leave()


def test_slow_closes(api: Server) -> None:
    """A watch that is cut for its reader is counted."""
    found = api.get(f"{LINES}?watch=1&resourceVersion=0")
    found.transport.producer.pauseProducing()
    api.line("x")
    api.tick()
    api.tick(31)
    assert of_lines(api, "kjournal_watches_closed_slow_total") == 1


LABELS = {
    "apiserver_request_total": "verb dry_run group version resource subresource scope component",
    "apiserver_request_duration_seconds": "verb dry_run group version resource subresource scope",
    "apiserver_longrunning_requests": "verb group version resource subresource scope component",
    "apiserver_response_sizes": "verb group version resource subresource scope component",
    "apiserver_watch_events_total": "group version resource",
    "apiserver_watch_events_sizes": "group version resource",
    "apiserver_watch_list_duration_seconds": "group version resource scope",
    "apiserver_current_inflight_requests": "request_kind",
    "apiserver_request_terminations_total": "verb group version resource subresource scope",
    "apiserver_request_aborts_total": "verb group version resource subresource scope",
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
KIND = {"group": "core.kjournal", "version": "v1alpha1", "resource": "containerlogs"}


def observed(api: Server, guard: Any = None) -> Metrics:
    """Count by the test's clock, and return what counts."""

    async def admit(_: object) -> None:
        """Let everything pass."""

    metrics = Metrics(api.clock.seconds)
    surface = Surface(
        resources=api.resources, token_key=b"k" * 32, health=api.health, metrics=metrics
    )
    routes = Routes(surface).app.resource()
    api.site = APISite(Gate(routes, guard or Step(admit), api.traffic, metrics))
    api.site.reactor = api.clock  # type: ignore[assignment]  # HTTPFactory's idle timers
    return metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    """Return what Prometheus reads, by the name that the family is shown under."""
    text = metrics.render().decode()
    shown = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    return dict(zip(shown, text_string_to_metric_families(text), strict=True))


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """Return the sum of the samples of that name whose labels are so, 0 if there is none."""
    every = (sample for family in families(metrics).values() for sample in family.samples)
    return sum(
        sample.value
        for sample in every
        if sample.name == name and labels.items() <= sample.labels.items()
    )


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
        asked = set(labels.split())
        shown = {key for sample in found[name].samples for key in sample.labels}
        extra = {"code", "component"} if name.startswith("apiserver_request_") else set()
        assert asked <= shown <= asked | extra | {"le"}, name


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


@pytest.mark.parametrize(
    ("target", "verb", "scope"),
    [
        (LINES, "LIST", "namespace"),
        ("/containerlogs", "LIST", "cluster"),
        (f"{LINES}/x", "GET", "resource"),
        (f"{LINES}?watch=1&timeoutSeconds=1", "WATCH", "namespace"),
        ("/watch/containerlogs?timeoutSeconds=1", "WATCH", "cluster"),
    ],
)
def test_reads(api: Server, target: str, verb: str, scope: str) -> None:
    """Verb and scope tell a get from a list from a watch, as kube-apiserver tells them."""
    metrics = observed(api)
    call = api.get(target)
    api.tick(2)
    labels = {**KIND, "verb": verb, "scope": scope, "code": str(call.status), "dry_run": ""}
    assert value(metrics, "apiserver_request_total", **labels) == 1
    assert value(metrics, "apiserver_request_total") == 1
    assert value(metrics, "apiserver_request_duration_seconds_count", verb=verb) == 1
    sized = value(metrics, "apiserver_response_sizes_sum", verb=verb)
    assert sized == (0 if verb == "WATCH" else len(call.body))


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("POST", f"{ROOT}{LINES}", ("POST", "containerlogs", "resource", "apiserver")),
        ("DELETE", f"{ROOT}{LINES}/x", ("DELETE", "containerlogs", "resource", "apiserver")),
        ("BREW", f"{ROOT}{LINES}", ("other", "containerlogs", "namespace", "apiserver")),
        ("GET", "/made/up", ("GET", "", "", "apiserver")),
        ("HEAD", f"{ROOT}{LINES}", ("LIST", "containerlogs", "namespace", "apiserver")),
        ("GET", "/version", ("GET", "", "", "apiserver")),
        ("GET", "/readyz", ("GET", "", "", "")),
        ("GET", "/readyz/made-up", ("GET", "", "", "apiserver")),
        ("WATCH", "/apis", ("WATCH", "", "", "apiserver")),
    ],
)
def test_label_values(
    api: Server, method: str, target: str, expected: tuple[str, str, str, str]
) -> None:
    """They come from sets of a few; nobody can fill the memory by asking for what there is not."""
    metrics = observed(api)
    api.call(target, method)
    (sample,) = families(metrics)["apiserver_request_total"].samples
    keys = ("verb", "resource", "scope", "component")
    assert tuple(sample.labels[key] for key in keys) == expected
    assert sample.labels["subresource"] == ("/readyz" if target == "/readyz" else "")


@pytest.mark.parametrize(("asked", "shown"), [("All", "All"), ("x", "invalid"), ("", "invalid")])
def test_dry_run(api: Server, asked: str, shown: str) -> None:
    """What is asked for is shown only if it exists."""
    metrics = observed(api)
    api.get(f"{LINES}?dryRun={asked}")
    assert value(metrics, "apiserver_request_total", dry_run=shown) == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("admin", "admin"),
        ("system:serviceaccount:kube-system:default", "system:serviceaccount:kube-system:default"),
        ("alice@example.com", "email_id"),
        ("alice", "other"),
        ("system:anonymous", "other"),
    ],
)
def test_users_are_few(name: str, shown: str) -> None:
    """A user's own name is shown to nobody."""
    metrics = Metrics()
    metrics.authenticated("success", 0.1, name)
    metrics.authenticated("error", 0.1, name)
    assert value(metrics, "authenticated_user_requests", username=shown) == 1
    assert value(metrics, "authenticated_user_requests") == 1
    assert value(metrics, "authentication_attempts", result="error") == 1


def test_a_clock_that_is_set_back() -> None:
    """It takes nothing away from what was counted."""
    metrics = Metrics()
    metrics.authorized("allowed", -5.0)
    assert value(metrics, "authorization_duration_seconds_sum") == 0


def test_a_watch_is_counted_at_its_end(api: Server) -> None:
    """Until then it is one of those that are open; how long it was is its duration."""
    metrics = observed(api)
    watch = api.get(f"{LINES}?watch=1&timeoutSeconds=20")
    watching = {**KIND, "verb": "WATCH", "scope": "namespace"}
    assert value(metrics, "apiserver_longrunning_requests", **watching) == 1
    assert value(metrics, "apiserver_request_total") == 0
    api.tick(20)
    assert watch.whole
    assert value(metrics, "apiserver_longrunning_requests") == 0
    assert value(metrics, "apiserver_request_total", code="200", **watching) == 1
    assert value(metrics, "apiserver_request_duration_seconds_sum", **watching) == 20


@pytest.mark.parametrize("aborted", [False, True])
def test_a_client_that_leaves(api: Server, aborted: bool) -> None:
    """It leaves the gauges as they were; if kjournal has cut it, that is counted too."""
    metrics = observed(api)
    watch = api.get(f"{LINES}?watch=1")
    if aborted:
        watch.channel.connectionLost(Failure(ConnectionAborted()))
    else:
        watch.leave()
    assert value(metrics, "apiserver_longrunning_requests") == 0
    assert value(metrics, "apiserver_request_total", verb="WATCH", code="200") == 1
    aborts = value(metrics, "apiserver_request_aborts_total", verb="WATCH", scope="namespace")
    assert aborts == int(aborted)


def test_a_client_that_leaves_before_the_answer(api: Server) -> None:
    """Its request has no code, and is in flight no more."""
    metrics = observed(api)
    api.store().next_answers("list_page", Deferred())
    waiting = api.get(LINES)
    assert value(metrics, "apiserver_current_inflight_requests", request_kind="readOnly") == 1
    waiting.leave()
    assert value(metrics, "apiserver_request_total", verb="LIST", code="0") == 1
    api.tick(2)
    assert value(metrics, "apiserver_current_inflight_requests", request_kind="readOnly") == 0


def test_in_flight_is_the_most_of_the_last_second(api: Server) -> None:
    """What was at once counts for a second; watches do not count."""
    metrics = observed(api)
    api.get(f"{LINES}?watch=1")
    assert value(metrics, "apiserver_current_inflight_requests") == 0
    api.store().next_answers("list_page", Deferred(), Deferred())
    held = [api.get(LINES), api.get("/containerlogs")]
    for call in held:
        call.leave()
    assert value(metrics, "apiserver_current_inflight_requests") == 2
    api.tick(1)
    assert value(metrics, "apiserver_current_inflight_requests") == 2
    api.tick(1)
    assert value(metrics, "apiserver_current_inflight_requests") == 0


def test_what_is_refused_is_counted(api: Server) -> None:
    """A request of somebody who may not make it has its code."""

    async def refuse(_: object) -> None:
        raise Forbidden("no", kind="logs")

    metrics = observed(api, Step(refuse, authorizes=True))
    api.get(LINES)
    assert value(metrics, "apiserver_request_total", verb="LIST", code="403", **KIND) == 1


def test_a_deadline_ends_a_request(api: Server) -> None:
    """That is a termination in self-defense."""
    metrics = observed(api)
    api.store().next_answers("list_page", Deferred())
    found = api.get(LINES)
    api.tick(60)
    assert found.status == 504
    assert value(metrics, "apiserver_request_terminations_total", code="504", verb="LIST") == 1


def test_watch_events(api: Server) -> None:
    """Initial events, live ones and bookmarks count, each by the bytes of its frame."""
    metrics = observed(api)
    api.lines(3)
    watch = api.get(f"{LINES}?watch=1&timeoutSeconds=30{WATCHLIST}")
    assert value(metrics, "apiserver_watch_events_total", **KIND) == 4
    api.line("new")
    api.tick()
    api.tick(30)
    assert watch.whole
    assert value(metrics, "apiserver_watch_events_total", **KIND) == len(watch.frames) == 6
    assert value(metrics, "apiserver_watch_events_sizes_count", **KIND) == 6
    assert value(metrics, "apiserver_watch_events_sizes_sum", **KIND) == len(watch.body)


def test_watch_list(api: Server) -> None:
    """How long it took until all initial events were sent is told of such watches alone."""
    metrics = observed(api)
    api.lines(3)
    api.get(f"{LINES}?watch=1")
    assert value(metrics, "apiserver_watch_list_duration_seconds_count") == 0
    api.get(f"{LINES}?watch=1{WATCHLIST}")
    counted = value(
        metrics, "apiserver_watch_list_duration_seconds_count", scope="namespace", **KIND
    )
    assert counted == 1
