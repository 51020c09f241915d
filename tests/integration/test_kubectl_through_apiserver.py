"""A plain user behind a real kube-apiserver: what RBAC gives, and nothing else."""

import contextlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from uuid import uuid4

import attrs
import pytest

from kjournal.codec import load_json
from tests.integration.cluster import kubectl_as, registered_gateway
from tests.integration.stories import (
    API,
    Answer,
    Kubectl,
    Store,
    ago,
    ask,
    config_file,
    container_line,
    path_of,
)
from tests.rig_fixtures import Kube

NAMESPACES = ("shop", "bank")
FORGED = {
    "X-Remote-User": "system:admin",
    "X-Remote-Group": "system:masters",
    "X-Remote-Uid": "0",
    "X-Remote-Extra-Scopes": "all",
}


@attrs.frozen
class Cluster:
    """A gateway in a cluster, with a line and an event in each of two namespaces."""

    kube: Kube
    store: Store
    prefix: str
    port: int

    def write(self, namespace: str, log: str) -> None:
        """Write a container's line."""
        line = container_line(log, namespace)
        self.store.write([(f"{self.prefix}-container-a", None, line)])


@pytest.fixture(scope="module")
def cluster(
    kube: Kube, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Yield it; each store in turn."""
    folder, prefix = tmp_path_factory.mktemp("cluster"), f"plain{uuid4().hex[:8]}"
    flags = (f"--config={config_file(folder, prefix)}", *store.flags)
    with registered_gateway(kube, folder, *flags) as (_, port):
        cluster = Cluster(kube, store, prefix, port)
        for namespace in NAMESPACES:
            cluster.write(namespace, f"line of {namespace}")
        store.write(
            [
                (
                    f"{prefix}-events-a",
                    None,
                    {
                        "metadata": {"namespace": namespace, "creationTimestamp": ago(0)},
                        "note": f"event of {namespace}",
                    },
                )
                for namespace in NAMESPACES
            ]
        )
        yield cluster
    store.forget(f"{prefix}-*")


@pytest.fixture
def user(cluster: Cluster) -> Kubectl:
    """Return kubectl of a user with a RoleBinding in `shop` and no other right."""
    return kubectl_as(cluster.kube, "shop-dev")


@pytest.mark.parametrize(
    ("kind", "text"), [("containerlogs", "line of "), ("events.core.kjournal", "event of ")]
)
def test_a_user_sees_the_namespace_that_a_role_opens(user: Kubectl, kind: str, text: str) -> None:
    """List and get work in the namespace of the RoleBinding, and show nothing of others."""
    assert text + "shop" in user("get", kind, "-n", "shop").stdout
    listed = user("get", kind, "-n", "shop", "-o", "name").stdout.split()
    assert len(listed) == 1
    assert text + "shop" in user("get", "-n", "shop", listed[0]).stdout


@pytest.mark.parametrize("kind", ["containerlogs", "events.core.kjournal"])
@pytest.mark.parametrize(
    ("where", "said"),
    [(("-n", "bank"), 'in the namespace "bank"'), (("-A",), "at the cluster scope")],
)
@pytest.mark.parametrize("watch", [(), ("-w",)], ids=["list", "watch"])
def test_a_user_is_forbidden_elsewhere(
    user: Kubectl, kind: str, where: tuple[str, ...], said: str, watch: tuple[str, ...]
) -> None:
    """Another namespace, and all of them at once, are Forbidden, in the words of Kubernetes."""
    done = user("get", kind, *where, *watch, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error from server (Forbidden): ")
    assert 'User "shop-dev" cannot list resource' in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("kind", ["auditevents", "logs"])
def test_kinds_of_the_cluster_need_a_cluster_role(
    cluster: Cluster, user: Kubectl, kind: str
) -> None:
    """A RoleBinding opens no auditevents and no logs; a ClusterRoleBinding does."""
    done = user("get", kind, check=False)
    assert (done.returncode, "(Forbidden)" in done.stderr) == (1, True)
    kubectl_as(cluster.kube, "reader", "log-readers")("get", kind)


def test_a_user_can_ask_what_is_allowed(user: Kubectl) -> None:
    """`kubectl auth can-i` says beforehand what the gateway will."""
    for where, allowed in ((("-n", "shop"), "yes"), (("-n", "bank"), "no"), (("-A",), "no")):
        asked = ("auth", "can-i", "watch", "containerlogs.core.kjournal", *where)
        assert user(*asked, check=False).stdout.strip() == allowed


def test_a_users_watch_shows_arriving_lines(cluster: Cluster, user: Kubectl) -> None:
    """A watch through kube-apiserver shows a line as it arrives, and none of other namespaces."""
    mark = uuid4().hex
    with user.follow("get", "containerlogs", "-n", "shop", "-w") as following:
        following.says("line of shop")
        cluster.write("bank", f"bank {mark}")
        cluster.write("shop", f"shop {mark}")
        following.says(f"shop {mark}")
    assert not following.said("bank")


def test_a_users_discovery_works(user: Kubectl) -> None:
    """`kubectl api-resources` and `kubectl explain` need no right of the user's own."""
    listed = user("api-resources", "--api-group=core.kjournal", "-o", "name").stdout.split()
    assert set(listed) == {
        "containerlogs.core.kjournal",
        "events.core.kjournal",
        "auditevents.core.kjournal",
        "localauditevents.core.kjournal",
        "logs.core.kjournal",
    }
    assert "Name of the pod." in user("explain", "containerlogs.pod").stdout


def test_another_users_name_needs_the_right_to_impersonate(user: Kubectl) -> None:
    """`--as` is refused by kube-apiserver, so that nobody becomes a reader."""
    done = user("get", "containerlogs", "-A", "--as=reader", "--as-group=log-readers", check=False)
    assert (done.returncode, "cannot impersonate" in done.stderr) == (1, True)


def asked(cluster: Cluster, path: str, headers: dict[str, str]) -> Answer:
    """Return the answer of the secure port itself to a client without a certificate."""
    context = ssl.create_default_context(cafile=cluster.kube.env["KUBE_CA"])
    request = urllib.request.Request(f"https://127.0.0.1:{cluster.port}{path}", headers=headers)
    with contextlib.ExitStack() as stack:
        try:
            response = stack.enter_context(urllib.request.urlopen(request, context=context))
        except urllib.error.HTTPError as error:
            response = stack.enter_context(error)
        return Answer(response.status, response.headers, response.read())


@pytest.mark.parametrize("headers", [{}, FORGED], ids=["bare", "forged"])
def test_forged_headers_are_worth_nothing(cluster: Cluster, headers: dict[str, str]) -> None:
    """Without the front proxy's certificate X-Remote-* headers name nobody: anonymous, 403."""
    for path in (path_of("containerlogs", "shop"), path_of("logs"), f"{API}/containerlogs?watch=1"):
        answer = asked(cluster, path, headers)
        status = load_json(answer.body)
        assert (answer.status, status["reason"]) == (403, "Forbidden")
        assert 'User "system:anonymous"' in status["message"]
        assert "line of" not in answer.body.decode()


def test_forged_headers_in_a_users_request_are_replaced(cluster: Cluster, user: Kubectl) -> None:
    """A user who sends X-Remote-* to kube-apiserver itself stays who the certificate says."""
    proxy = ("proxy", "--port=0")
    with user.follow(*proxy) as following:
        following.says("Starting to serve on")
        address = following.lines[0].rpartition(" ")[2]
        answer = ask(f"http://{address}", path_of("containerlogs", "bank"), headers=FORGED)
        assert (answer.status, answer.json["reason"]) == (403, "Forbidden")
        assert 'User "shop-dev"' in answer.json["message"]
        assert ask(f"http://{address}", path_of("containerlogs", "shop")).status == 200
