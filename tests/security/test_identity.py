"""Identity on a real kube-apiserver: whom it tells us to believe, vouches for, and allows."""

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
import yaml
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from kjournal.api.tls import CertificateFiles, ServingContextFactory, peer_chain_of
from kjournal.auth.access import Access
from kjournal.auth.authenticator import Authenticator, authenticator_of
from kjournal.auth.bearer import TokenReviewer
from kjournal.auth.interfaces import Attributes, Credentials
from kjournal.auth.trust import CONFIG_MAP, TrustSource, parse_config_map, trust_of
from kjournal.auth.user import ANONYMOUS, User
from kjournal.client.connection import KubeAPIError, KubeConnection, connect
from kjournal.client.kubeconfig import ClusterConfig, load_kubeconfig
from kjournal.codec import dump_json, load_json
from kjournal.config.model import ServingSettings
from kjournal.errors import APIError, Forbidden
from tests.rig_fixtures import Kube
from tests.unit.auth.certificates import authority, issue

ROOT = "/apis/core.kjournal/v1alpha1"
SERVICE_ACCOUNT = "identity-reviewer"
RBAC = f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {SERVICE_ACCOUNT}, namespace: default}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: identity-auth-delegator}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator"}}
subjects: [{{kind: ServiceAccount, name: {SERVICE_ACCOUNT}, namespace: default}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: identity-auth-reader, namespace: kube-system}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: extension-apiserver-authentication-reader
subjects: [{{kind: ServiceAccount, name: {SERVICE_ACCOUNT}, namespace: default}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: identity-log-reader}}
rules:
- {{apiGroups: [core.kjournal], resources: [containerlogs], verbs: [get, list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: identity-log-reader, namespace: default}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: identity-log-reader}}
subjects: [{{kind: Group, apiGroup: rbac.authorization.k8s.io, name: team-a}}]
"""
LIST = Attributes(
    verb="list",
    group="core.kjournal",
    version="v1alpha1",
    resource="containerlogs",
    namespace="default",
)
ALICE = User("alice", groups=("team-a", "system:authenticated"), extra=(("k", ("v",)),))


@pytest.fixture(scope="module")
def kubeconfig(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the kubeconfig of a service account that may ask reviews and read the CAs."""
    kube.kubectl("apply", "-f", "-", input=RBAC)
    token = kube.kubectl("create", "token", SERVICE_ACCOUNT).stdout.strip()
    document = yaml.safe_load(Path(kube.env["KUBECONFIG"]).read_text())
    user = document["contexts"][0]["context"]["user"]
    document["users"] = [{"name": user, "user": {"token": token}}]
    path = tmp_path_factory.mktemp("identity") / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture(params=["token", "certificate"])
def config(request: pytest.FixtureRequest, kube: Kube, kubeconfig: Path) -> ClusterConfig:
    """Return how the same service account asks: by its token, and by a client certificate."""
    if request.param == "token":
        return load_kubeconfig(kubeconfig)
    return load_kubeconfig(kube.user(f"system:serviceaccount:default:{SERVICE_ACCOUNT}"))


@pytest_twisted.async_yield_fixture
async def connection(config: ClusterConfig) -> AsyncIterator[KubeConnection]:
    """Yield a connection, and close its sockets."""
    opened = connect(config, reactor)
    yield opened
    await closed(opened)


async def closed(opened: KubeConnection) -> None:
    await opened.close()
    await deferLater(reactor, 0)


async def refused(work: Any, kind: type[Exception]) -> Any:
    with pytest.raises(kind) as caught:
        await work
    return caught.value


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


class WhoAmI(Resource):
    """Answers who asks, as the gate will find it out."""

    def __init__(self, authenticator: Authenticator) -> None:
        super().__init__()
        self.isLeaf = True
        self._authenticator = authenticator

    def render(self, request: Request) -> int:
        Deferred.fromCoroutine(self._answer(request))
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> None:
        credentials = Credentials(peer_chain_of(request.transport), request.requestHeaders)
        try:
            user = await self._authenticator.authenticate(credentials)
            document: object = attrs.asdict(user)
        except APIError as error:
            request.setResponseCode(error.code)
            document = {"message": error.message}
        request.setHeader("Content-Type", "application/json")
        request.write(dump_json(document))
        request.finish()


@attrs.frozen
class Running:
    """A server that says who asks, and where."""

    port: int
    ca_file: str

    async def asked(
        self, headers: dict[str, str], certificate: tuple[Path, Path] | None = None
    ) -> Any:
        """Return status and document of a direct request by Python's own client."""
        return await deferToThread(self._ask, headers, certificate)

    def _ask(self, headers: dict[str, str], certificate: tuple[Path, Path] | None) -> Any:
        context = ssl.create_default_context(cafile=self.ca_file)
        if certificate is not None:
            context.load_cert_chain(*certificate)
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{ROOT}", headers=headers)
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, load_json(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, load_json(error.read())


@asynccontextmanager
async def serving(
    settings: ServingSettings, ca_file: str
) -> AsyncIterator[tuple[Running, TrustSource]]:
    """Listen on a real port, wired as the service does it."""
    cluster = connect(load_kubeconfig(Path(settings.kubeconfig)), reactor)
    trust = TrustSource(trust_of(settings), reactor, cluster)
    trust.startService()
    files = CertificateFiles(settings, reactor)
    tls = ServingContextFactory(lambda: files.current, lambda: trust.authorities)
    endpoint = SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1")
    listening = await endpoint.listen(
        Site(WhoAmI(authenticator_of(trust, TokenReviewer(cluster, reactor), reactor)))
    )
    try:
        yield Running(listening.getHost().port, ca_file), trust
    finally:
        await listening.stopListening()
        await trust.stopService()
        await closed(cluster)


@pytest_twisted.async_yield_fixture
async def running(kube: Kube, kubeconfig: Path) -> AsyncIterator[Running]:
    """Yield a server whose trust comes from the cluster alone."""
    sans = ("DNS:kjournal.kjournal-system.svc", "IP:127.0.0.1")
    certificate, key = kube.serving("kjournal-identity", *sans)
    settings = ServingSettings(
        tls_cert_file=str(certificate), tls_private_key_file=str(key), kubeconfig=str(kubeconfig)
    )
    async with serving(settings, kube.env["KUBE_CA"]) as (server, trust):
        while not trust.known:
            await deferLater(reactor, 0.02)
        yield server


def pair_of(kubeconfig: Path, folder: Path) -> tuple[Path, Path]:
    """Return a kubeconfig's client certificate and key as files."""
    user = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]
    for name in ("client-certificate", "client-key"):
        (folder / name).write_bytes(base64.b64decode(user[f"{name}-data"]))
    return folder / "client-certificate", folder / "client-key"


FORGED = {"X-Remote-User": "admin", "X-Remote-Group": "system:masters"}


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


@pytest_twisted.ensureDeferred
async def test_headers_without_a_certificate_are_anonymous(running: Running) -> None:
    code, user = await running.asked(FORGED)
    assert (code, user["name"], user["groups"]) == (200, ANONYMOUS.name, [*ANONYMOUS.groups])


@pytest_twisted.ensureDeferred
async def test_headers_with_a_users_certificate_are_ignored(
    kube: Kube, running: Running, tmp_path: Path
) -> None:
    certificate = pair_of(kube.user("carol", "team-c"), tmp_path)
    code, user = await running.asked(FORGED, certificate)
    assert (code, user["name"]) == (200, "carol")
    assert user["groups"] == ["team-c", "system:authenticated"]


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


@pytest_twisted.ensureDeferred
async def test_until_the_config_map_is_read_no_certificate_is_believed(
    kube: Kube, tmp_path: Path
) -> None:
    """A kubeconfig that may not read it: certificates get 503, the anonymous stay anonymous."""
    settings = ServingSettings(cert_dir=str(tmp_path), kubeconfig=str(kube.user("nobody")))
    async with serving(settings, str(tmp_path / "ca.crt")) as (server, trust):
        certificate = pair_of(kube.user("carol"), tmp_path)
        assert (await server.asked(FORGED, certificate))[0] == 503
        assert (await server.asked(FORGED))[1]["name"] == ANONYMOUS.name
        assert not trust.known
