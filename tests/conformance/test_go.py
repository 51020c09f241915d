"""The libraries of Go programs find the contract kept: caches, watches, controllers, errors."""

from typing import Any

import pytest

from tests.conformance.clients_fixtures import (
    GoClient,
    go,
    listed,
    namespace,
    unversioned,
    write_lines,
)
from tests.conformance.served import Served
from tests.conformance.ways import proxied_only
from tests.integration.stories import KINDS, NAMESPACED
from tests.rig_fixtures import Kube

__all__ = ["go", "namespace"]

WATCH_LIST = "KUBE_FEATURE_WatchListClient"
BEGINNINGS = pytest.mark.parametrize("watch_list", [True, False], ids=["watchlist", "list"])
BEFORE = ["a", "b", "c"]
WRITES = ("create", "update", "patch", "apply", "delete", "deletecollection")
Found = dict[str, Any]


@pytest.fixture
def omnipotent(served: Served, request: pytest.FixtureRequest) -> str:
    """Return the kubeconfig of who may do all: others are told 403 before 405."""
    if served.proxied:
        kube: Kube = request.getfixturevalue("kube")
        return kube.env["KUBECONFIG"]
    return str(served.kubeconfig)


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


def metadata_of(items: list[Found]) -> list[Found]:
    """Return objects without what is not metadata; client-go hides kinds that it has read."""
    return [{"metadata": item["metadata"]} for item in items]


@pytest.mark.paragraph("2.4", "the pager reads each object once, at one resourceVersion")
def test_the_pager_reads_each_object_once(served: Served, go: GoClient, namespace: str) -> None:
    """Five objects in pages of two are pages of two, two and one."""
    write_lines(served, namespace, *"abcde")
    found = go.ask("pager", served, namespace=namespace, limit=2)
    names = [item["metadata"]["name"] for item in listed(served, "containerlogs", namespace)]
    assert sorted(found["names"]) == sorted(names)
    assert found["sizes"] == [2, 2, 1]
    assert len(set(found["versions"])) == 1
    assert found["errors"] == []


@pytest.mark.paragraph("2.4", "of an expired token the pager is told, and reads all again")
def test_the_pager_begins_again_after_an_expired_token(
    served: Served, go: GoClient, namespace: str
) -> None:
    """410 Expired makes it ask for one whole list, so that it has each object once."""
    write_lines(served, namespace, *"abcde")
    found = go.ask("pager", served, namespace=namespace, limit=2, name="expired")
    names = [item["metadata"]["name"] for item in listed(served, "containerlogs", namespace)]
    assert sorted(found["names"]) == sorted(names)
    assert found["sizes"] == [2, 5]
    (error,) = found["errors"]
    assert error["is"] == ["ResourceExpired"]


@pytest.mark.paragraph("1.1", "both discoveries, the mapper and OpenAPI tell of the same kinds")
def test_discovery_knows_every_kind(served: Served, go: GoClient) -> None:
    """client-go finds four kinds, with get, list and watch, whichever way it asks."""
    found = go.ask("discovery", served)
    for way in ("aggregated", "legacy", "preferred"):
        resources = {one["name"]: one for one in found[way]}
        assert resources.keys() == set(KINDS)
        for name, one in resources.items():
            assert sorted(one["verbs"]) == ["get", "list", "watch"]
            assert one["namespaced"] == (name in NAMESPACED)
            assert one["singularName"] == name.removesuffix("s")
    assert found["mapped"] == {
        kind: {
            "plural": f"{kind.lower()}s",
            "bySingular": f"{kind.lower()}s",
            "back": kind,
            "namespaced": f"{kind.lower()}s" in NAMESPACED,
        }
        for kind in ("ContainerLog", "Event", "AuditEvent", "Log")
    }
    assert all(found["version"][field] for field in ("major", "minor", "gitVersion"))
    kinds = {"ContainerLog", "Event", "AuditEvent", "Log"}
    assert found["schemas"].keys() >= kinds
    assert all(found["schemas"][kind] for kind in kinds)


@pytest.mark.paragraph("2.6", "the dynamic client's selectors select exactly")
def test_selectors_select_exactly(served: Served, go: GoClient, namespace: str) -> None:
    """By a label, by a field, by both: what has them and nothing else."""
    write_lines(served, namespace, "a", "b", labels={"app": "web"})
    write_lines(served, namespace, "c", labels={"app": "shop"})
    selectors: dict[tuple[str, str], list[str]] = {
        ("app=web", ""): ["a", "b"],
        ("app!=web", ""): ["c"],
        ("app in (shop,none)", ""): ["c"],
        ("", "pod=pod-b"): ["b"],
        ("", "pod!=pod-b"): ["a", "c"],
        ("app=web", "pod!=pod-a"): ["b"],
        ("app=shop", "pod=pod-a"): [],
    }
    for (label, field), logs in selectors.items():
        found = go.ask("select", served, namespace=namespace, label=label, field=field)
        assert sorted(found["logs"]) == logs, (label, field)
        assert found["version"] not in ("", "0")


@pytest.mark.paragraph("2.7", "a Table decodes, and its rows hold their objects' metadata")
def test_a_table_decodes(served: Served, go: GoClient, namespace: str) -> None:
    """As many cells as columns, one of them the name, and rows that a client can decode."""
    write_lines(served, namespace, *BEFORE)
    found = go.ask("table", served, namespace=namespace)
    objects = listed(served, "containerlogs", namespace)
    assert {row["kind"] for row in found["rows"]} == {"PartialObjectMetadata"}
    assert unversioned(metadata_of(found["rows"])) == unversioned(metadata_of(objects))
    assert {len(cells) for cells in found["cells"]} == {len(found["columns"])}
    (name,) = [i for i, column in enumerate(found["columns"]) if column["format"] == "name"]
    names = [row["metadata"]["name"] for row in found["rows"]]
    assert [cells[name] for cells in found["cells"]] == names


@pytest.mark.paragraph("4.1", "all resourceVersions can be compared by apimachinery's own function")
def test_resource_versions_can_be_compared(served: Served, go: GoClient, namespace: str) -> None:
    """Objects are not above their list or bookmark, and what comes later is above all before."""
    write_lines(served, namespace, *BEFORE)
    with go.start("versions", served, namespace=namespace, live=2) as program:
        assert program.step("bookmark")["initial"] == len(BEFORE)
        write_lines(served, namespace, "d")
        write_lines(served, namespace, "e")
        assert program.step("live")["live"] == 2


@pytest.mark.paragraph("6", "client-go takes each refusal for what it is")
def test_errors_are_taken_for_what_they_are(
    served: Served, go: GoClient, namespace: str, omnipotent: str
) -> None:
    """NotFound, BadRequest, Expired, Invalid with causes, MethodNotSupported, and no others."""
    found = go.ask("errors", served, namespace=namespace, kubeconfig=omnipotent)
    assert {name: error["is"] for name, error in found.items()} == {
        "get": ["NotFound"],
        "resource": ["NotFound"],
        "list": [],
        **{bad: ["BadRequest"] for bad in ("watch", "field", "label", "continue", "version")},
        "exact": ["ResourceExpired"],
        **{invalid: ["Invalid"] for invalid in ("match", "initial")},
        **{write: ["MethodNotSupported"] for write in WRITES},
    }
    assert found["list"]["text"] == "nothing"
    details = found["get"]["status"]["details"]
    assert details == {"name": "nobody", "group": "core.kjournal", "kind": "containerlogs"}
    for name, reason in (("match", "FieldValueNotSupported"), ("initial", "FieldValueForbidden")):
        details = found[name]["status"]["details"]
        assert (details["group"], details["kind"]) == ("meta.k8s.io", "ListOptions")
        (cause,) = details["causes"]
        assert (cause["reason"], cause["field"]) == (reason, "resourceVersionMatch")
        assert cause["message"]


@proxied_only
@pytest.mark.paragraph("5.6", "client-go takes a refusal of rights for Forbidden")
def test_a_user_without_rights_is_forbidden(
    served: Served, go: GoClient, namespace: str, request: pytest.FixtureRequest
) -> None:
    """Whoever may read nothing is told Forbidden, whatever they ask of a resource that exists."""
    kube: Kube = request.getfixturevalue("kube")
    kubeconfig = str(kube.user("stranger", "nobodies"))
    found = go.ask("errors", served, namespace=namespace, kubeconfig=kubeconfig)
    assert {tuple(error["is"]) for error in found.values()} == {("Forbidden",)}
