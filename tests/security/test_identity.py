"""Identity on a real kube-apiserver: whom it tells us to believe, vouches for, and allows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from kjournal.auth.access import Access
from kjournal.auth.interfaces import Attributes
from kjournal.auth.trust import CONFIG_MAP, parse_config_map
from kjournal.auth.user import ANONYMOUS, User
from kjournal.client.connection import KubeAPIError, KubeConnection, connect
from kjournal.client.kubeconfig import ClusterConfig
from kjournal.codec import load_json
from kjournal.config.model import ServingSettings
from kjournal.errors import Forbidden
from tests.rig_fixtures import Kube
from tests.security.stage import ROOT, Running, closed, pair_of, serving
from tests.unit.auth.certificates import authority, issue

LIST = Attributes(
    verb="list",
    group="core.kjournal",
    version="v1alpha1",
    resource="containerlogs",
    namespace="default",
)
ALICE = User("alice", groups=("team-a", "system:authenticated"), extra=(("k", ("v",)),))


async def refused(work: Any, kind: type[Exception]) -> Any:
    with pytest.raises(kind) as caught:
        await work
    return caught.value


@pytest.mark.paragraph("5.6", "Reviews decide as the cluster's RBAC does, of paths too.")
@pytest_twisted.ensureDeferred
async def test_reviews_decide_as_the_clusters_rbac_does(connection: KubeConnection) -> None:
    access = Access(connection, reactor)
    await access.authorize(ALICE, LIST)
    await access.authorize(ALICE, attrs.evolve(LIST, verb="get", name="x"))
    bob = attrs.evolve(ALICE, name="bob", groups=("system:authenticated",))
    elsewhere = attrs.evolve(LIST, namespace="kube-system")
    everywhere = attrs.evolve(LIST, namespace="")
    for user, asked in ((bob, LIST), (ALICE, elsewhere), (ALICE, everywhere), (ANONYMOUS, LIST)):
        await refused(access.authorize(user, asked), Forbidden)
    version = Attributes(verb="get", path="/version")
    await access.authorize(ANONYMOUS, version)
    metrics = Attributes(verb="get", path="/metrics")
    refusal = await refused(access.authorize(ALICE, metrics), Forbidden)
    assert refusal.message == 'forbidden: User "alice" cannot get path "/metrics"'


@pytest.mark.paragraph("5.6", "A refusal is worded as kube-apiserver's.")
@pytest_twisted.ensureDeferred
async def test_the_refusal_is_the_one_that_kube_apiserver_writes(
    kube: Kube, connection: KubeConnection
) -> None:
    bob = kube.user("bob")
    path = "/api/v1/namespaces/default/pods/x"
    done = await deferToThread(kube.kubectl, "get", "--raw", path, kubeconfig=bob, check=False)
    asked = Attributes(verb="get", version="v1", resource="pods", namespace="default", name="x")
    access = Access(connection, reactor)
    refusal = await refused(access.authorize(User("bob"), asked), Forbidden)
    assert done.stderr.strip() == f"Error from server (Forbidden): {refusal.message}"


@pytest.mark.paragraph("5.1", "The ConfigMap of the cluster tells whose certificates to believe.")
@pytest_twisted.ensureDeferred
async def test_the_cluster_tells_whom_to_believe(kube: Kube, connection: KubeConnection) -> None:
    trust = parse_config_map(await connection.get_json(CONFIG_MAP))
    assert len(trust.client_cas.certificates) == 1
    assert len(trust.front_proxy.cas.certificates) == 1
    assert trust.front_proxy.allowed_names == (kube.env["FRONT_PROXY_NAME"],)
    assert trust.front_proxy.username_headers == ("X-Remote-User",)


@pytest_twisted.ensureDeferred
async def test_a_server_of_another_ca_or_name_is_not_talked_to(config: ClusterConfig) -> None:
    strangers = (
        attrs.evolve(config, cas=(authority("kubernetes").certificate,)),
        attrs.evolve(config, server_name="elsewhere.example"),
        attrs.evolve(config, cas=()),
    )
    for stranger in strangers:
        opened = connect(stranger, reactor)
        error = await refused(opened.get_json("/version"), KubeAPIError)
        assert (error.code, "verif" in str(error).lower()) == (0, True)
        await closed(opened)


FORGED = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}


@pytest.mark.paragraph("5.3", "kube-apiserver vouches for its users in headers.")
@pytest_twisted.ensureDeferred
async def test_kube_apiserver_vouches_for_its_users(kube: Kube, running: Running) -> None:
    alice = kube.user("alice", "team-a")
    await deferToThread(kube.register, f"127.0.0.1:{running.port}", running.ca_file)
    try:
        done = await deferToThread(kube.kubectl, "get", "--raw", ROOT, kubeconfig=alice)
    finally:
        await deferToThread(kube.kubectl, "delete", "apiservice", "v1alpha1.core.kjournal")
    user = load_json(done.stdout)
    assert (user["name"], user["groups"]) == ("alice", ["team-a", "system:authenticated"])
    (credential,) = user["extra"]
    assert credential[0] == "authentication.kubernetes.io/credential-id"


@pytest.mark.paragraph("5.3", "Headers without a certificate are nobody's.")
@pytest_twisted.ensureDeferred
async def test_headers_without_a_certificate_are_anonymous(running: Running) -> None:
    code, user = await running.asked(FORGED)
    assert (code, user["name"], user["groups"]) == (200, ANONYMOUS.name, [*ANONYMOUS.groups])


@pytest.mark.paragraph("5.3", "Headers beside a user's certificate are ignored.")
@pytest_twisted.ensureDeferred
async def test_headers_with_a_users_certificate_are_ignored(
    kube: Kube, running: Running, tmp_path: Path
) -> None:
    certificate = pair_of(kube.user("carol", "team-c"), tmp_path)
    code, user = await running.asked(FORGED, certificate)
    assert (code, user["name"]) == (200, "carol")
    assert user["groups"] == ["team-c", "system:authenticated"]


@pytest.mark.paragraph("5.4", "Credentials that nobody vouches for are 401.")
@pytest_twisted.ensureDeferred
async def test_a_strangers_certificate_is_unauthorized(running: Running, tmp_path: Path) -> None:
    """The handshake succeeds, and the answer says 401."""
    stranger = issue(
        None,
        "front-proxy-client",
        since=datetime(2020, 1, 1, tzinfo=UTC),
        until=datetime(2100, 1, 1, tzinfo=UTC),
    )
    certificate = stranger.write(tmp_path, "stranger")
    assert await running.asked(FORGED, certificate) == (401, {"message": "Unauthorized"})


@pytest.mark.paragraph("5.1", "Until the ConfigMap is read no certificate is believed.")
@pytest_twisted.ensureDeferred
async def test_until_the_config_map_is_read_no_certificate_is_believed(
    kube: Kube, tmp_path: Path
) -> None:
    """A kubeconfig that may not read it: certificates get 503, the anonymous stay anonymous."""
    settings = ServingSettings(cert_dir=str(tmp_path))
    nobody = kube.user("nobody")
    async with serving(settings, str(tmp_path / "ca.crt"), nobody) as (server, trust):
        certificate = pair_of(kube.user("carol"), tmp_path)
        assert (await server.asked(FORGED, certificate))[0] == 503
        assert (await server.asked(FORGED))[1]["name"] == ANONYMOUS.name
        assert not trust.known
