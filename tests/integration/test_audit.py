"""kube-apiserver's own audit log, shipped as it is: who did what."""

from uuid import uuid4

import attrs
import pytest

from kjournal.codec import dump_json, load_json
from tests.integration.stories import Kubectl, Site, ask, until
from tests.rig_fixtures import Kube


@attrs.frozen
class Deeds:
    """What two people did in a cluster of a kube-apiserver, by names that nobody else has."""

    doer: str
    stranger: str
    thing: str


@pytest.fixture(scope="module")
def deeds(site: Site, kube: Kube) -> Deeds:
    """Have a user make and delete a ConfigMap, another be refused, and ship the audit log."""
    tag = uuid4().hex[:8]
    deeds = Deeds(f"doer-{tag}", f"stranger-{tag}", f"thing-{tag}")
    doer = kube.user(deeds.doer, "system:masters")
    stranger = kube.user(deeds.stranger)
    kube.kubectl("create", "configmap", deeds.thing, kubeconfig=doer)
    kube.kubectl("get", "configmap", deeds.thing, kubeconfig=stranger, check=False)
    kube.kubectl("delete", "configmap", deeds.thing, kubeconfig=doer)
    until("all is in the audit log", lambda: kube.audit_log.read_text().count(deeds.thing) > 3)
    whole, _, _ = kube.audit_log.read_text().rpartition("\n")
    events = [load_json(line) for line in whole.splitlines()]
    recent = events[-2000:]
    assert any(event["user"]["username"] == deeds.doer for event in recent)
    index = site.index("auditevents")
    if site.store.name != "embedded":
        make_index(site.store.url, index)
    site.store.write([(index, f"{event['auditID']}-{event['stage']}", event) for event in recent])
    return deeds


def make_index(url: str, name: str) -> None:
    """Make an index as whoever ships audit logs must: bodies of all types would be its end."""
    properties = {"requestObject": {"enabled": False}, "responseObject": {"enabled": False}}
    body = dump_json({"mappings": {"properties": properties}})
    headers = {"Content-Type": "application/json"}
    assert ask(url, f"/{name}", method="PUT", body=body, headers=headers).status == 200


def test_who_did_what(deeds: Deeds, straight: Kubectl) -> None:
    """`kubectl get auditevents` shows the verb, the answer, the user and the object."""
    table = straight("get", "auditevents", "--no-headers").stdout.splitlines()
    rows = [line.split()[1:5] for line in table if deeds.thing in line]
    assert rows == [
        ["create", "201", deeds.doer, f"default/configmaps/{deeds.thing}"],
        ["get", "403", deeds.stranger, f"default/configmaps/{deeds.thing}"],
        ["delete", "200", deeds.doer, f"default/configmaps/{deeds.thing}"],
        # `kubectl delete` waits until it is gone.
        ["get", "404", deeds.doer, f"default/configmaps/{deeds.thing}"],
    ]


def test_one_deed_is_selected(deeds: Deeds, straight: Kubectl) -> None:
    """`--field-selector verb=create,user.username=…` shows that one request of that one user."""
    selector = f"verb=create,user.username={deeds.doer},objectRef.resource=configmaps"
    (item,) = straight.json("get", "auditevents", "--field-selector", selector)["items"]
    assert item["objectRef"]["name"] == deeds.thing
    assert item["user"]["groups"] == ["system:masters", "system:authenticated"]
    assert item["requestURI"].startswith("/api/v1/namespaces/default/configmaps")
    assert item["responseStatus"]["code"] == 201
    assert item["annotations"]["authorization.k8s.io/decision"] == "allow"


@pytest.mark.parametrize(
    ("selector", "verbs"),
    [
        ("user.username={doer},objectRef.name={thing}", ["create", "delete", "get"]),
        ("user.username={stranger},responseStatus.code=403", ["get"]),
        ("user.username={stranger},responseStatus.code>=400", None),
        ("user.username={stranger},responseStatus.code>400", ["get"]),
        ("objectRef.name={thing},verb in (delete,get)", ["get", "delete", "get"]),
        ("objectRef.name={thing},user.username!={doer}", ["get"]),
        ("objectRef.name={thing},stage!=ResponseComplete", []),
    ],
)
def test_selectors(deeds: Deeds, straight: Kubectl, selector: str, verbs: list[str] | None) -> None:
    """Operators of field selectors narrow who, what and the answer; what is none is refused."""
    args = ("get", "auditevents", "--field-selector", selector.format(**attrs.asdict(deeds)))
    if verbs is None:
        done = straight(*args, check=False)
        assert (done.returncode, "BadRequest" in done.stderr) == (1, True)
        return
    ours = [item["verb"] for item in straight.json(*args)["items"] if about(item, deeds)]
    assert ours == verbs


def about(item: dict[str, dict[str, str]], deeds: Deeds) -> bool:
    """Tell whether an event is about the ConfigMap, not about its discovery."""
    return item.get("objectRef", {}).get("name") == deeds.thing
