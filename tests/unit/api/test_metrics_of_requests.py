"""What is counted of requests, of watches, and of who asks."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure

from kjournal.api.metrics import Metrics
from kjournal.errors import Forbidden
from tests.unit.api.figures import families, observed, value
from tests.unit.api.serving import ROOT, Server, Step
from tests.unit.api.verbs import LINES, WATCHLIST

KIND = {"group": "core.kjournal", "version": "v1alpha1", "resource": "containerlogs"}


@pytest.mark.parametrize(
    ("target", "verb", "scope"),
    [
        (LINES, "LIST", "namespace"),
        ("/containerlogs", "LIST", "cluster"),
        (f"{LINES}/x", "GET", "resource"),
        (f"{LINES}?watch=1&timeoutSeconds=1{WATCHLIST}", "WATCH", "namespace"),
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
    assert sized == len(call.body)


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
    assert value(metrics, "authenticated_user_requests_total", username=shown) == 1
    assert value(metrics, "authenticated_user_requests_total") == 1
    assert value(metrics, "authentication_attempts_total", result="error") == 1


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
