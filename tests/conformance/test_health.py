"""Sections 7.1 to 7.3: what probes and Prometheus ask of a running gateway.

They ask it directly in all four ways: through kube-apiserver these paths are its own.
"""

import os
import signal
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.records import LINES, lines
from tests.conformance.served import Served
from tests.conformance.ways import proxied_only
from tests.integration.stories import Answer, Store, ask, config_file, until
from tests.rig_fixtures import StartGateway

PROBES = ("/healthz", "/livez", "/readyz")
TEXT = "text/plain; charset=utf-8"
WATCH = f"{LINES}?watch=true&allowWatchBookmarks=true&sendInitialEvents=true"


def probed(served: Served, path: str) -> Answer:
    """Return the answer to a probe, which no cache may keep and no browser guess at."""
    answer = ask(served.gateway.url, path)
    assert answer.headers["Content-Type"] == TEXT
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache, private"
    return answer


def scraped(served: Served) -> list[Metric]:
    """Return what Prometheus reads."""
    answer = ask(served.gateway.url, "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return list(text_string_to_metric_families(answer.body.decode()))


def value(served: Served, name: str, **labels: str) -> float:
    """Return the sum of the samples of that name with these labels among theirs."""
    every = (sample for family in scraped(served) for sample in family.samples)
    return sum(
        sample.value
        for sample in every
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@pytest.mark.paragraph("7.1", "A probe is answered by ok, or a line per check for `verbose`.")
@pytest.mark.parametrize("path", PROBES)
def test_probes(served: Served, path: str) -> None:
    answer = probed(served, path)
    assert (answer.status, answer.body) == (200, b"ok")
    for query in ("verbose", "verbose=false"):
        answer = probed(served, f"{path}?{query}")
        first, *_, last = answer.body.decode().splitlines()
        assert (answer.status, first, last) == (200, "[+]ping ok", f"{path[1:]} check passed")
        assert b"\n[+]log ok\n" in answer.body


@pytest.mark.paragraph("7.1", "`exclude` leaves checks out; what is none is warned of.")
@pytest.mark.parametrize("path", PROBES)
def test_excludes(served: Served, path: str) -> None:
    assert probed(served, f"{path}?exclude=etcd").body == b"ok"
    answer = probed(served, f"{path}?verbose&exclude=log&exclude=etcd&exclude=b")
    shown = answer.body.decode().splitlines()
    assert shown[1] == "[+]log excluded: ok"
    assert shown[-2] == ('warn: some health checks cannot be excluded: no matches for "b","etcd"')


@pytest.mark.paragraph("7.1", "Each check has a path of its own.")
@pytest.mark.parametrize("path", PROBES)
def test_checks(served: Served, path: str) -> None:
    for check in ("ping", "log", *(["shutdown"] if path == "/readyz" else [])):
        answer = probed(served, f"{path}/{check}")
        assert (answer.status, answer.body) == (200, b"ok")
    assert ask(served.gateway.url, f"{path}/etcd").status == 404


@proxied_only
@pytest.mark.paragraph("7.2", "readyz waits until it is known whose certificates to believe.")
def test_trust(served: Served) -> None:
    assert b"\n[+]trust ok\n[+]shutdown ok\n" in probed(served, "/readyz?verbose").body
    assert probed(served, "/readyz/trust").body == b"ok"


@pytest.mark.paragraph("7.1", "A failure is shown with all checks, and why only at its own path.")
@pytest.mark.paragraph("7.2", "shutdown fails first, and livez stays green.")
def test_a_shutdown(gateway: StartGateway, tmp_path: Path) -> None:
    store = Store.embedded(tmp_path)
    flags = (*store.flags, "--shutdown-delay-duration=3s")
    ending = gateway(f"--config={config_file(tmp_path, 'ending')}", *flags)
    os.kill(ending.pid, signal.SIGTERM)
    until("readyz is red", lambda: ask(ending.url, "/readyz").status == 500)
    answer = ask(ending.url, "/readyz")
    assert answer.headers["Content-Type"] == TEXT
    assert answer.body.decode().splitlines()[-2:] == [
        "[-]shutdown failed: reason withheld",
        "readyz check failed",
    ]
    why = ask(ending.url, "/readyz/shutdown")
    assert why.body == b"internal server error: process is shutting down\n"
    assert ask(ending.url, "/readyz?exclude=shutdown").body == b"ok"
    for path in ("/livez", "/healthz"):
        assert ask(ending.url, path).body == b"ok"
    until("the process ends", lambda: not ending.running)


@pytest.mark.paragraph("7.3", "Lists and watches are counted, with kube-apiserver's labels.")
@pytest.mark.paragraph("7.3", "A watch that is open is a long-running request.")
def test_requests_are_counted(served: Served) -> None:
    served.write(lines(served, 3))
    kind = {"group": "core.kjournal", "version": "v1alpha1", "resource": "containerlogs"}
    place = {**kind, "subresource": "", "scope": "namespace", "component": "apiserver"}
    listing = {**place, "verb": "LIST", "dry_run": "", "code": "200"}
    watching = {**place, "verb": "WATCH"}
    before = value(served, "apiserver_request_total", **listing)
    assert served.ask(LINES).status == 200
    assert value(served, "apiserver_request_total", **listing) == before + 1
    sent = value(served, "apiserver_watch_events_total", **kind)
    ended = value(served, "apiserver_request_total", **watching)
    with served.watch(f"{WATCH}&resourceVersionMatch=NotOlderThan") as stream:
        events = [stream.next() for _ in range(4)]
        assert [event["type"] for event in events] == ["ADDED"] * 3 + ["BOOKMARK"]
        assert value(served, "apiserver_longrunning_requests", **watching) == 1
        assert value(served, "apiserver_watch_events_total", **kind) == sent + 4
    until(
        "its end is seen", lambda: value(served, "apiserver_longrunning_requests", **watching) == 0
    )
    assert value(served, "apiserver_request_total", **watching, code="200") == ended + 1
    assert value(served, "apiserver_watch_list_duration_seconds_count", **kind) >= 1
    assert value(served, "apiserver_current_inflight_requests", request_kind="readOnly") >= 1
    assert value(served, "process_resident_memory_bytes") > 0
    assert value(served, "kjournal_tail_running", resource="containerlogs") == 1


@proxied_only
@pytest.mark.paragraph("7.3", "So is who asks and what they may, without their names.")
def test_who_asks_is_counted(served: Served) -> None:
    assert served.ask(LINES).status == 200
    names = {
        "authentication_attempts_total": {"result": "success"},
        "authenticated_user_requests_total": {"username": "other"},
        "authorization_attempts_total": {"result": "allowed"},
        "apiserver_delegated_authz_request_total": {"code": "201"},
        "apiserver_delegated_authz_request_duration_seconds_count": {"code": "201"},
    }
    for name, labels in names.items():
        assert value(served, name, **labels) >= 1, name
    text = ask(served.gateway.url, "/metrics").body
    assert b"conformer" not in text
    assert b"\nauthentication_attempts{" in text
