"""The imaginary cluster's documents look like those of a real one, and agree with one another."""

import re
from collections import defaultdict
from typing import Any

import pytest

from kjournal.codec import format_seconds, parse_time_us
from kjournal.demo.cluster import Cluster
from kjournal.store.interfaces import NewDocument

NOW_US = 1_779_000_000_000_000
HOUR_US = 3_600_000_000
NANOS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
MICROS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def lived(seed: int = 1, start_us: int = NOW_US - 4 * HOUR_US) -> list[NewDocument]:
    cluster = Cluster(seed, start_us)
    cluster.stay_quiet(NOW_US)
    return cluster.advance(NOW_US, 10**6)


@pytest.fixture(scope="module")
def written() -> list[NewDocument]:
    return lived()


def of(written: list[NewDocument], prefix: str) -> list[dict[str, Any]]:
    return [new.document for new in written if new.index.startswith(f"{prefix}-")]


def time_of(document: dict[str, Any]) -> int:
    time_us = parse_time_us(document["@timestamp"])
    assert time_us is not None
    return time_us


def test_a_seed_gives_one_life() -> None:
    """The same seed and start give equal documents, another seed or start give others."""
    assert lived(5) == lived(5)
    assert lived(5) != lived(6)


def test_a_second_life_of_a_seed_has_the_same_pods_and_new_identities() -> None:
    """A demo that is started again does not repeat the audit ids of the first time."""
    first, second = lived(), lived(start_us=NOW_US - 3 * HOUR_US)
    pods = [
        {line["kubernetes"]["pod_name"] for line in of(life, "container")[:200]}
        for life in (first, second)
    ]
    assert len(pods[0] & pods[1]) > 8
    ids = [{audit["auditID"] for audit in of(life, "audit")} for life in (first, second)]
    assert not ids[0] & ids[1]


def test_documents_come_in_the_order_of_their_times(written: list[NewDocument]) -> None:
    """None lies after the time asked for."""
    times = [time_of(new.document) for new in written]
    assert times == sorted(times)
    assert times[0] >= NOW_US - 4 * HOUR_US
    assert times[-1] <= NOW_US


def test_indices_are_by_day(written: list[NewDocument]) -> None:
    """Four kinds, each in the index of its document's own day."""
    for new in written:
        day = format_seconds(time_of(new.document))[:10].replace("-", ".")
        assert new.index in {f"{kind}-{day}" for kind in ("container", "events", "audit", "logs")}
    assert {new.index.split("-")[0] for new in written} == {"container", "events", "audit", "logs"}


def test_container_lines_have_fluent_bits_shape(written: list[NewDocument]) -> None:
    """Every field that the fluent-bit preset maps is there."""
    for line in of(written, "container"):
        assert NANOS.fullmatch(line["@timestamp"])
        assert line["time"] == line["@timestamp"]
        assert line["stream"] in ("stdout", "stderr")
        assert line["log"]
        kubernetes = line["kubernetes"]
        assert set(kubernetes) == {
            *("namespace_name", "pod_name", "container_name", "pod_id", "host"),
            *("docker_id", "labels", "container_image"),
        }
        labels = kubernetes["labels"]
        assert labels["app"] == labels["app.kubernetes.io/name"]
        assert {"app", "version"} <= set(labels)
    namespaces = {line["kubernetes"]["namespace_name"] for line in of(written, "container")}
    assert namespaces == {"shop", "billing", "platform"}


def test_pod_names_are_those_of_kubernetes(written: list[NewDocument]) -> None:
    """A Deployment's pod has two generated parts, a StatefulSet's has a number."""
    safe = "[bcdfghjklmnpqrstvwxz2456789]{5}"
    for line in of(written, "container"):
        app, pod = line["kubernetes"]["labels"]["app"], line["kubernetes"]["pod_name"]
        assert re.fullmatch(rf"{app}-(\d+|[456789bcdf]{{9,10}}-{safe})", pod)


@pytest.mark.parametrize(
    "sign",
    [
        "\x1b[3",
        "\tat java.base/",
        "Traceback (most recent call last):\n",
        "goroutine ",
        "\n\t GROUP BY",
        "Müller",
        "山田",
        "📦",
        "received SIGTERM",
        "starting version=",
    ],
)
def test_container_lines_are_of_many_sorts(written: list[NewDocument], sign: str) -> None:
    """Colours, traces, many lines in one, many scripts."""
    assert any(sign in line["log"] for line in of(written, "container"))


def test_json_lines_are_merged_at_the_top(written: list[NewDocument]) -> None:
    """As fluent-bit's Merge_Log does, beside the text itself."""
    requests = [line for line in of(written, "container") if line.get("msg") == "request"]
    assert requests
    for line in requests:
        assert {"level", "path", "status", "duration_ms", "trace_id"} <= set(line)
        assert f'"trace_id":"{line["trace_id"]}"' in line["log"]


def test_core_events_have_their_fields(written: list[NewDocument]) -> None:
    """Those of kubelet and controllers."""
    events = [event for event in of(written, "events") if event["apiVersion"] == "v1"]
    for event in events:
        assert event["kind"] == "Event"
        assert set(event["metadata"]) > {"name", "namespace", "uid", "creationTimestamp"}
        assert re.fullmatch(r".+\.[0-9a-f]{16}", event["metadata"]["name"])
        assert {"kind", "namespace", "name", "uid", "apiVersion"} <= set(event["involvedObject"])
        assert event["type"] in ("Normal", "Warning")
        assert event["message"]
        assert event["source"]["component"]
        assert SECONDS.fullmatch(event["firstTimestamp"])
        assert event["firstTimestamp"] <= event["lastTimestamp"]
        assert event["count"] >= 1
    reasons = {event["reason"] for event in events}
    assert reasons >= {
        *("Pulled", "Created", "Started", "Killing", "BackOff", "Unhealthy"),
        *("ScalingReplicaSet", "SuccessfulCreate"),
    }


def test_the_scheduler_writes_the_newer_shape(written: list[NewDocument]) -> None:
    """events.k8s.io/v1: regarding and note, eventTime with six digits, a series for more."""
    events = [e for e in of(written, "events") if e["apiVersion"] == "events.k8s.io/v1"]
    assert {event["reason"] for event in events} == {"Scheduled", "FailedScheduling"}
    for event in events:
        assert MICROS.fullmatch(event["eventTime"])
        assert event["regarding"]["kind"] == "Pod"
        assert event["note"]
        assert event["reportingController"] == "default-scheduler"
    series = [event["series"] for event in events if "series" in event]
    assert [repeated["count"] for repeated in series] == [2] * len(series)
    assert series


def test_a_repeated_event_replaces_itself(written: list[NewDocument]) -> None:
    """One id, one first time, a count that grows."""
    seen: dict[str | None, list[NewDocument]] = defaultdict(list)
    for new in written:
        if new.document.get("reason") == "BackOff":
            seen[new.id].append(new)
    assert max(len(repeated) for repeated in seen.values()) > 2
    for id, repeated in seen.items():
        documents = [new.document for new in repeated]
        assert [document["count"] for document in documents] == [*range(1, len(repeated) + 1)]
        assert {document["metadata"]["uid"] for document in documents} == {id}
        assert len({document["firstTimestamp"] for document in documents}) == 1


def test_events_agree_with_the_lines_of_the_pods(written: list[NewDocument]) -> None:
    """A pod speaks after it was scheduled, and no more once it was killed."""
    born: dict[str, int] = {}
    killed: dict[str, int] = {}
    for event in of(written, "events"):
        if event["reason"] == "Scheduled":
            born[event["regarding"]["uid"]] = time_of(event)
        elif event["reason"] == "Killing":
            killed[event["involvedObject"]["uid"]] = time_of(event)
    assert len(born) > 10
    assert len(killed) > 10
    for line in of(written, "container"):
        uid, time_us = line["kubernetes"]["pod_id"], time_of(line)
        assert born.get(uid, 0) < time_us <= killed.get(uid, NOW_US) + 2_000_000


def test_audit_events_have_their_fields(written: list[NewDocument]) -> None:
    """All of audit.k8s.io/v1 that a policy of level Metadata writes."""
    for new in written:
        if not new.index.startswith("audit-"):
            continue
        audit = new.document
        assert (audit["kind"], audit["apiVersion"]) == ("Event", "audit.k8s.io/v1")
        assert new.id == audit["auditID"]
        assert audit["level"] in ("Metadata", "Request")
        assert audit["stage"] in ("ResponseStarted", "ResponseComplete")
        assert "system:authenticated" in audit["user"]["groups"]
        assert audit["user"]["username"]
        assert audit["sourceIPs"]
        assert audit["userAgent"]
        assert audit["requestURI"].split("?")[0].startswith(("/api/v1/", "/apis/"))
        assert audit["objectRef"]["resource"] in audit["requestURI"]
        assert MICROS.fullmatch(audit["requestReceivedTimestamp"])
        assert MICROS.fullmatch(audit["stageTimestamp"])
        assert audit["requestReceivedTimestamp"] <= audit["stageTimestamp"]
        denied = audit["responseStatus"]["code"] == 403
        decision = audit["annotations"]["authorization.k8s.io/decision"]
        assert decision == ("forbid" if denied else "allow")


def test_someone_deletes_a_deployment_and_its_pods_end(written: list[NewDocument]) -> None:
    """The story that the guides look for: who deleted `cart` in `shop`?"""
    (first, *_) = [
        audit
        for audit in of(written, "audit")
        if audit["verb"] == "delete" and audit["objectRef"]["resource"] == "deployments"
    ]
    assert first["user"]["username"] == "jane@shop.example"
    assert first["requestURI"] == "/apis/apps/v1/namespaces/shop/deployments/cart"
    killed = [
        event["involvedObject"]["name"]
        for event in of(written, "events")
        if event["reason"] == "Killing" and event["@timestamp"] == first["@timestamp"]
    ]
    assert killed
    assert all(name.startswith("cart-") for name in killed)


def test_requests_are_denied_and_requests_are_routine(written: list[NewDocument]) -> None:
    """There is something to look for, and much that hides it."""
    audits = of(written, "audit")
    denied = [audit for audit in audits if audit["responseStatus"]["code"] == 403]
    assert any("cannot list resource" in audit["responseStatus"]["message"] for audit in denied)
    routine = [audit for audit in audits if audit["user"]["username"].startswith("system:")]
    assert {audit["verb"] for audit in routine} >= {"list", "watch", "get", "update", "patch"}
    assert len(routine) > 10 * len(denied)


def test_node_lines_are_a_journals(written: list[NewDocument]) -> None:
    """kubelet, containerd and the kernel, with syslog's priorities."""
    lines = of(written, "logs")
    assert {line["SYSLOG_IDENTIFIER"] for line in lines} == {"kubelet", "containerd", "kernel"}
    for line in lines:
        assert NANOS.fullmatch(line["@timestamp"])
        assert line["MESSAGE"]
        assert line["PRIORITY"] in ("3", "4", "6")
        assert line["_HOSTNAME"].startswith("worker-")
        unit = line.get("_SYSTEMD_UNIT")
        by_kernel = line["SYSLOG_IDENTIFIER"] == "kernel"
        assert unit == (None if by_kernel else f"{line['SYSLOG_IDENTIFIER']}.service")
