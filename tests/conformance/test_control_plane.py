"""A control plane goes on with its own work while the store behind kjournal is down.

Its controllers begin with discovery of every group, so one group that fails would stop them all.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import attrs
import pytest

from kjournal.codec import load_json
from tests.fakes.faulty_elasticsearch import FaultyElasticsearch
from tests.integration.cluster import registered_gateway
from tests.integration.stories import (
    API,
    INDEX_OF,
    KINDS,
    Kubectl,
    Store,
    ask,
    config_file,
    container_line,
    path_of,
    until,
)
from tests.rig_fixtures import Kube
from tests.rig_servers import Gateway, free_port

APISERVICE = "v1alpha1.core.kjournal"
ACCOUNTS = "system:serviceaccount:kube-system:"
CONTROLLERS = ("generic-garbage-collector", "namespace-controller", "resourcequota-controller")
LIKE_A_NAME = "aagra6xphsptz33vigfiljpoc-xcyxol"
ASKED = [
    *[(f"{kind}.core.kjournal",) for kind in KINDS],
    *[("containerlogs", *how) for how in [("-o", "name"), ("-o", "json"), ("-w",), (LIKE_A_NAME,)]],
]


@attrs.frozen
class Dark:
    """A cluster whose logs are in an Elasticsearch that does not answer."""

    kube: Kube
    gateway: Gateway
    kubectl: Kubectl
    audited_bytes: int
    """How long the audit log was before the controllers started."""

    def namespace(self, *objects: str) -> str:
        """Make a namespace with objects, and return its name."""
        name = f"dark-{uuid4().hex[:8]}"
        self.kubectl("create", "namespace", name)
        self.kube.kubectl("apply", "-n", name, "-f", "-", input="\n---\n".join(objects))
        return name

    def conditions(self, *of: str) -> dict[str, tuple[str, str]]:
        """Return the status and reason of each condition of an object, by type."""
        status = self.kubectl.json("get", *of)["status"]
        return {
            entry["type"]: (entry["status"], entry.get("reason", ""))
            for entry in status.get("conditions", ())
        }

    def audited(self) -> list[dict[str, Any]]:
        """Return the requests since the controllers started, as kube-apiserver audited them."""
        with self.kube.audit_log.open("rb") as log:
            log.seek(self.audited_bytes)
            whole, _, _ = log.read().rpartition(b"\n")
        events = [load_json(line) for line in whole.splitlines()]
        return [event for event in events if "objectRef" in event]


@contextlib.contextmanager
def never_there(request: pytest.FixtureRequest, kube: Kube, folder: Path) -> Iterator[Gateway]:
    """Yield a gateway whose Elasticsearch nobody ever started."""
    flags = (
        f"--config={config_file(folder, 'dark')}",
        f"--es-url=http://127.0.0.1:{free_port()}",
    )
    with registered_gateway(kube, folder, *flags) as (gateway, _):
        yield gateway


@contextlib.contextmanager
def gone(request: pytest.FixtureRequest, kube: Kube, folder: Path) -> Iterator[Gateway]:
    """Yield a gateway whose Elasticsearch has answered with a line, and no longer does."""
    url = request.getfixturevalue("elasticsearch_url")
    store, prefix = Store.elasticsearch(url), f"dark{uuid4().hex[:8]}"
    store.write([(f"{prefix}-{INDEX_OF['containerlogs']}-a", None, container_line("there"))])
    node = FaultyElasticsearch(url)
    try:
        flags = (
            f"--config={config_file(folder, prefix)}",
            f"--es-url=http://127.0.0.1:{node.port}",
        )
        with registered_gateway(kube, folder, *flags) as (gateway, _):
            assert len(ask(gateway.url, path_of("containerlogs")).json["items"]) == 1
            node.close()
            yield gateway
    finally:
        node.close()
        store.forget(f"{prefix}-*")


STORES = [
    pytest.param(never_there, id="never there"),
    pytest.param(gone, id="gone", marks=pytest.mark.elasticsearch),
]


@pytest.fixture(scope="module", params=STORES)
def dark(
    request: pytest.FixtureRequest, control_plane: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dark]:
    """Yield it; its controllers start when kjournal is registered and the store is down."""
    folder, kube = tmp_path_factory.mktemp("dark"), control_plane
    with request.param(request, kube, folder) as gateway:
        audited_bytes = kube.audit_log.stat().st_size
        kube.start_controllers()
        # kube-apiserver looks at a changed APIService at once, at others once a minute.
        kube.kubectl("annotate", "apiservice", APISERVICE, "kjournal.test/dark=yes")
        try:
            kubectl = Kubectl((*kube.kubectl_command(), f"--cache-dir={folder / 'cache'}"))
            yield Dark(kube, gateway, kubectl, audited_bytes)
        finally:
            kube.down("kube-controller-manager")


def config_map(name: str, metadata: str = "") -> str:
    """Return a ConfigMap in YAML, with more of its metadata."""
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}{metadata}}}}}"


@pytest.mark.paragraph("1.3", "namespaces are deleted")
def test_a_namespace_is_deleted(dark: Dark) -> None:
    """A namespace goes with all its objects, and its controller never misses a group."""
    namespace = dark.namespace(config_map("some"), config_map("more"))
    dark.kubectl("delete", "namespace", namespace, "--timeout=60s")
    told = [
        (condition["type"], condition["status"], condition["reason"])
        for event in dark.audited()
        if event["objectRef"].get("name") == namespace
        and (event["verb"], event["objectRef"].get("subresource")) == ("update", "status")
        for condition in event["responseObject"]["status"].get("conditions", ())
    ]
    assert ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered") in told
    assert {status for _, status, _ in told} == {"False"}
    assert not listed(dark, namespace)


def listed(dark: Dark, namespace: str) -> list[str]:
    """Return the ConfigMaps of a namespace."""
    return dark.kubectl("get", "configmaps", "-n", namespace, "-o", "name").stdout.split()


@pytest.mark.paragraph("1.1", "garbage is collected")
def test_garbage_is_collected(dark: Dark) -> None:
    """What a deleted owner owned is collected, and what nobody owned stays."""
    namespace = dark.namespace(config_map("owner"), config_map("bystander"))
    uid = dark.kubectl.json("get", "configmap/owner", "-n", namespace)["metadata"]["uid"]
    owned = f", ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: {uid}}}]"
    dark.kube.kubectl("apply", "-n", namespace, "-f", "-", input=config_map("owned", owned))
    dark.kubectl("delete", "configmap/owner", "-n", namespace)
    dark.kubectl("wait", "configmap/owned", "-n", namespace, "--for=delete", "--timeout=60s")
    assert listed(dark, namespace) == ["configmap/bystander"]


@pytest.mark.paragraph("1.1", "quotas are counted")
def test_a_quota_counts_and_limits(dark: Dark) -> None:
    """A ResourceQuota says what is used, follows what is made and deleted, and is enforced."""
    namespace = dark.namespace(config_map("first"), config_map("second"))
    dark.kubectl("create", "quota", "few", "-n", namespace, "--hard=count/configmaps=2")

    def used() -> str:
        status = dark.kubectl.json("get", "quota/few", "-n", namespace).get("status", {})
        return str(status.get("used", {}).get("count/configmaps", ""))

    until("both are counted", lambda: used() == "2")
    third = ("create", "configmap", "third", "-n", namespace)
    assert "exceeded quota: few" in dark.kubectl(*third, check=False).stderr
    dark.kubectl("delete", "configmap/first", "-n", namespace)
    until("the deleted one is no longer counted", lambda: used() == "1")
    dark.kubectl(*third)


@pytest.mark.paragraph("1.5", "the APIService stays Available")
def test_the_apiservice_stays_available(dark: Dark) -> None:
    """kube-apiserver probes again after a change of the APIService, and is content."""
    before = dark.kubectl.json("get", "apiservice", APISERVICE)["metadata"]["resourceVersion"]
    dark.kubectl("annotate", "apiservice", APISERVICE, f"kjournal.test/asked={before}")
    assert dark.conditions("apiservice", APISERVICE) == {"Available": ("True", "Passed")}
    for path in ("/readyz", "/livez", API):
        assert ask(dark.gateway.url, path).status == 200


@pytest.mark.paragraph("1.3", "kubectl prints no discovery errors")
def test_discovery_is_whole(dark: Dark) -> None:
    """`kubectl api-resources` lists the kinds of every group, and says nothing of errors."""
    done = dark.kubectl("api-resources", "-o", "name")
    assert done.stderr == ""
    assert {f"{kind}.core.kjournal" for kind in KINDS} < set(done.stdout.split())
    assert {"configmaps", "deployments.apps"} < set(done.stdout.split())
    done = dark.kubectl("api-versions")
    assert (done.stderr, API.removeprefix("/apis/") in done.stdout.split()) == ("", True)
    assert "Name of the pod." in dark.kubectl("explain", "containerlogs.pod").stdout


@pytest.mark.paragraph("2.11", "a store that is down is no empty list")
def test_logs_are_an_error_and_no_empty_list(dark: Dark) -> None:
    """Meanwhile every way to ask for logs fails with a Status, and prints no object.

    A name that could be one of a line is not said to be NotFound.
    """
    # All at once: each waits for the store some time.
    asked = {words: dark.kubectl.follow("get", "-n", "default", *words) for words in ASKED}
    for words, asking in asked.items():
        assert asking.ended() == 1, words
        said = "\n".join(asking.errors)
        assert said.startswith("Error from server (ServiceUnavailable): "), words
        assert "No resources found" not in said
        # -o json prints a list in any case.
        shown = load_json("\n".join(asking.lines))["items"] if "json" in words else asking.lines
        assert not shown, words


@pytest.mark.paragraph("6", "a store that is down is 503")
def test_the_status_is_of_kubernetes(dark: Dark) -> None:
    """The answer itself is a Status of 503, whose header and details say the same."""
    answer = ask(dark.gateway.url, path_of("logs"))
    status = answer.json
    assert (answer.status, status["kind"], status["code"]) == (503, "Status", 503)
    assert (status["status"], status["reason"]) == ("Failure", "ServiceUnavailable")
    # kubectl repeats a call ten times where it is told when to ask again.
    retry_after = status.get("details", {}).get("retryAfterSeconds")
    assert answer.headers["Retry-After"] == (retry_after and str(retry_after))


@pytest.mark.paragraph("1.1", "controllers leave the kinds alone")
def test_controllers_leave_our_kinds_alone(dark: Dark) -> None:
    """The controllers ask for the kinds of every group but ours: nothing of it can be deleted.

    All of the three have done their work by now.
    """
    asked = [
        (event["user"]["username"], event["verb"], event["objectRef"].get("apiGroup", ""))
        for event in dark.audited()
        if event["user"]["username"].startswith(("system:kube-controller-manager", ACCOUNTS))
    ]
    assert not [about for about in asked if about[2] == "core.kjournal"]
    assert {group for _, verb, group in asked if verb == "watch"} > {"", "apps"}
    assert {user.removeprefix(ACCOUNTS) for user, _, _ in asked} > set(CONTROLLERS)
