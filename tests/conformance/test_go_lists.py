"""What the libraries of Go programs list, find and are refused is what the contract says."""

import pytest

from kjournal.kinds.registry import KINDS as SERVED
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
from tests.conformance.ways import proxied_only
from tests.integration.stories import until
from tests.rig_fixtures import Kube

KINDS = [kind.kind for kind in SERVED.values()]

__all__ = ["go", "namespace", "omnipotent"]

BEFORE = ["a", "b", "c"]
WRITES = ("create", "update", "patch", "apply", "delete", "deletecollection")


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
    """client-go finds all kinds, with get, list and watch, whichever way it asks."""
    # kube-apiserver fetches OpenAPI some time after it has found the group.
    until("OpenAPI knows us", lambda: b"core.kjournal" in served.ask("/openapi/v3").body)
    found = go.ask("discovery", served)
    for way in ("aggregated", "legacy", "preferred"):
        resources = {one["name"]: one for one in found[way]}
        assert resources.keys() == set(SERVED)
        for name, one in resources.items():
            assert sorted(one["verbs"]) == ["get", "list", "watch"]
            assert one["namespaced"] == SERVED[name].namespaced
            assert one["singularName"] == name.removesuffix("s")
    assert found["mapped"] == {
        kind: {
            "plural": f"{kind.lower()}s",
            "bySingular": f"{kind.lower()}s",
            "back": kind,
            "namespaced": SERVED[f"{kind.lower()}s"].namespaced,
        }
        for kind in KINDS
    }
    assert all(found["version"][field] for field in ("major", "minor", "gitVersion"))
    assert all(found["schemas"][kind] for kind in KINDS)


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
