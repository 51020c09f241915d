"""The libraries of Go programs find the contract kept: caches, watches, controllers, errors."""

from typing import Any

import pytest

from tests.conformance.clients_fixtures import (
    GoClient,
    go,
    listed,
    metadata_of,
    namespace,
    omnipotent,
    unversioned,
    write_lines,
)
from tests.conformance.served import Served
from tests.integration.stories import KINDS, NAMESPACED

__all__ = ["go", "namespace", "omnipotent"]

WATCH_LIST = "KUBE_FEATURE_WatchListClient"
BEGINNINGS = pytest.mark.parametrize("watch_list", [True, False], ids=["watchlist", "list"])
BEFORE = ["a", "b", "c"]
Found = dict[str, Any]


def beginning(watch_list: bool, **more: str) -> dict[str, str]:
    """Return the environment of a program whose reflectors begin in one way."""
    return {WATCH_LIST: str(watch_list).lower(), **more}


def verbs(found: Found) -> list[str]:
    """Return what the requests of a program were."""
    return [request["verb"] for request in found["requests"]]


@pytest.mark.paragraph("3.4", "an informer's cache holds what the store holds, and what comes")
@BEGINNINGS
def test_an_informer_holds_what_is_there_and_what_comes(
    served: Served, go: GoClient, namespace: str, watch_list: bool
) -> None:
    """Its cache equals the list, before and after a line more; each object is added once."""
    write_lines(served, namespace, *BEFORE)
    env = beginning(watch_list)
    with go.start("informer", served, env, namespace=namespace, live=1) as program:
        synced = program.step("synced")
        before = unversioned(listed(served, "containerlogs", namespace))
        assert unversioned(synced["items"]) == before
        assert len(before) == len(BEFORE)
        write_lines(served, namespace, "d")
        found = program.step("live")
    after = unversioned(listed(served, "containerlogs", namespace))
    assert unversioned(found["items"]) == after
    assert len(after) == len(BEFORE) + 1
    assert (found["initial"], found["live"], found["other"]) == (len(BEFORE), 1, 0)
    assert verbs(found) == (["WATCHLIST"] if watch_list else ["LIST", "WATCH"])


@pytest.mark.paragraph("3.4", "an informer of nothing has synced")
@BEGINNINGS
def test_an_informer_of_nothing_syncs(
    served: Served, go: GoClient, namespace: str, watch_list: bool
) -> None:
    """Where no object is, HasSynced becomes true all the same."""
    env = beginning(watch_list)
    with go.start("informer", served, env, namespace=namespace) as program:
        assert program.step("synced")["items"] == []
        assert program.step("live")["version"] not in ("", "0")


@pytest.mark.paragraph("3.4", "client-go's own detector finds a WatchList equal to the exact list")
@pytest.mark.parametrize("kind", KINDS)
def test_the_inconsistency_detector_is_content(
    served: Served, go: GoClient, namespace: str, kind: str
) -> None:
    """It lists at the bookmark's resourceVersion, exactly, compares, and does not panic."""
    place = namespace if kind in NAMESPACED else ""
    write_lines(served, namespace, *BEFORE)
    env = beginning(True, KUBE_WATCHLIST_INCONSISTENCY_DETECTOR="true")
    with go.start("informer", served, env, namespace=place, resource=kind) as program:
        synced = program.step("synced")
        found = program.step("live")
        assert program.ends() == 0, program.errors()
    (exact,) = [request for request in found["requests"] if request["match"] == "Exact"]
    assert exact["code"] == 200
    assert len(synced["items"]) == (len(BEFORE) if kind == "containerlogs" else 0)


@pytest.mark.paragraph("3.6", "a reflector that is told 410 begins again, and misses nothing")
@BEGINNINGS
def test_a_reflector_recovers_from_an_expired_version(
    served: Served, go: GoClient, namespace: str, watch_list: bool
) -> None:
    """After the end of its stream it asks from long ago, is told so once, and has all again."""
    write_lines(served, namespace, *BEFORE)
    env = beginning(watch_list)
    live = len(BEFORE) + 1
    with go.start("recover", served, env, namespace=namespace, live=live) as program:
        program.step("expired")
        write_lines(served, namespace, "d")
        found = program.step("recovered")
    assert unversioned(found["items"]) == unversioned(listed(served, "containerlogs", namespace))
    assert found["expired"] == 1
    # The store may be told of before the watch that follows its second list.
    whole = (
        ["WATCHLIST", "WATCH", "WATCHLIST"] if watch_list else ["LIST", "WATCH", "WATCH", "LIST"]
    )
    assert verbs(found)[: len(whole)] == whole
    assert {request["code"] for request in found["requests"]} == {200}


@pytest.mark.paragraph(
    "3.8", "a RetryWatcher sees each event after its list once, over stream ends"
)
def test_a_retry_watcher_sees_what_came_after_its_list(
    served: Served, go: GoClient, namespace: str
) -> None:
    """Nothing of the list, each later line once and in order, while its streams end and begin."""
    write_lines(served, namespace, *BEFORE)
    with go.start("retry", served, namespace=namespace) as program:
        assert sorted(program.step("listed")["logs"]) == BEFORE
        program.step("watch")
        write_lines(served, namespace, "d")
        program.step("watch")
        write_lines(served, namespace, "last")
        found = program.step("ended")
    assert found["events"] == [{"type": "ADDED", "log": log} for log in ("d", "last")]


@pytest.mark.paragraph("3.6", "a RetryWatcher of an expired resourceVersion ends with 410")
def test_a_retry_watcher_ends_where_it_can_never_go_on(
    served: Served, go: GoClient, namespace: str
) -> None:
    """It asks once, is told 410 Expired in the stream, and does not ask again."""
    with go.start("retry", served, namespace=namespace, version="1") as program:
        found = program.step("ended")
    (event,) = found["events"]
    assert event["type"] == "ERROR"
    assert event["error"]["is"] == ["ResourceExpired"]
    assert event["error"]["status"]["code"] == 410
    assert found["watches"] == 1


@pytest.mark.paragraph("2.9", "controller-runtime gets by name, lists by index, and writes nothing")
def test_a_controller_reconciles_each_object(
    served: Served, go: GoClient, namespace: str, omnipotent: str
) -> None:
    """Own Go types, a manager, an index, a reader past the cache, and the errors of writes."""
    write_lines(served, namespace, *BEFORE)
    who = {"namespace": namespace, "kubeconfig": omnipotent, "name": "pod-a"}
    with go.start("controller", served, {}, live=len(BEFORE) + 1, **who) as program:
        program.step("synced")
        write_lines(served, namespace, "d")
        found = program.step("reconciled")
        assert program.ends() == 0, program.errors()
    objects = listed(served, "containerlogs", namespace)
    assert found["reconciled"].keys() == {item["metadata"]["name"] for item in objects}
    (first,) = [item["metadata"]["name"] for item in objects if item["pod"] == "pod-a"]
    assert found["indexed"] == found["paged"] == [first]
    assert found["got"] == [first, first]
    assert (found["loose"], found["gone"]) == (len(BEFORE) + 1, 0)
    errors = {name: error["is"] for name, error in found["errors"].items()}
    assert errors == {
        "get cached": ["NotFound"],
        "get direct": ["NotFound"],
        **{write: ["MethodNotSupported"] for write in ("create", "update", "patch", "delete")},
    }


@pytest.mark.paragraph("2.8", "the metadata client and its informer see every object's metadata")
@BEGINNINGS
def test_the_metadata_client_sees_all(
    served: Served, go: GoClient, namespace: str, watch_list: bool
) -> None:
    """List, get and an informer of PartialObjectMetadata, with a line that comes later."""
    write_lines(served, namespace, *BEFORE, labels={"app": "web"})
    env = beginning(watch_list)
    with go.start("metadata", served, env, namespace=namespace, live=1) as program:
        one = program.step("listed")
        synced = program.step("synced")
        before = listed(served, "containerlogs", namespace)
        write_lines(served, namespace, "d")
        found = program.step("live")
    after = listed(served, "containerlogs", namespace)
    kinds = {(item["kind"], item["apiVersion"]) for item in one["items"]}
    assert kinds == {("PartialObjectMetadata", "meta.k8s.io/v1")}
    for items in (one["items"], one["got"], synced["items"]):
        assert unversioned(metadata_of(items)) == unversioned(metadata_of(before))
    assert unversioned(metadata_of(found["items"])) == unversioned(metadata_of(after))
    assert (found["live"], found["other"]) == (1, 0)
