"""The rig itself: the servers that the other tests here lean on are real and answer."""

import urllib.request

from kjournal.codec import load_json
from tests.rig_fixtures import Kube


def test_elasticsearch_stores_and_finds(elasticsearch_url: str) -> None:
    """A document written is found again."""
    request = urllib.request.Request(
        f"{elasticsearch_url}/rig-test/_doc/1?refresh=true",
        data=b'{"log": "hello"}',
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request) as answer:
        assert load_json(answer.read())["result"] in ("created", "updated")
    with urllib.request.urlopen(f"{elasticsearch_url}/rig-test/_search?q=log:hello") as answer:
        assert load_json(answer.read())["hits"]["total"]["value"] == 1


def test_elasticsearch_8_is_of_that_version(elasticsearch8_url: str) -> None:
    """The other supported major version answers too."""
    with urllib.request.urlopen(f"{elasticsearch8_url}/_nodes/_all/version") as answer:
        nodes = load_json(answer.read())["nodes"]
    assert [node["version"].split(".")[0] for node in nodes.values()] == ["8"]


def test_kube_apiserver_knows_its_users(kube: Kube) -> None:
    """A user made for a test is that user, and may do nothing that nobody granted."""
    alice = kube.user("alice", "team-a")
    who = kube.kubectl("auth", "whoami", "-o", "json", kubeconfig=alice)
    info = load_json(who.stdout)["status"]["userInfo"]
    assert (info["username"], "team-a" in info["groups"]) == ("alice", True)
    refused = kube.kubectl("get", "secrets", kubeconfig=alice, check=False)
    assert refused.returncode == 1
    assert "Forbidden" in refused.stderr
    assert '"username":"alice"' in kube.audit_log.read_text()
