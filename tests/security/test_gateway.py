"""A whole gateway before a real kube-apiserver: rotation under a watch, revocation, silence."""

import base64
import contextlib
import http.client
import socket
import ssl
import subprocess
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml
from cryptography import x509

from kjournal.codec import dump_json, load_json
from tests.integration.cluster import kubeconfig_of_account
from tests.integration.stories import Following, Store, container_line, running_gateway, until
from tests.rig_fixtures import Kube, free_port
from tests.rig_servers import Gateway
from tests.torture.proxy import Proxy
from tests.unit.auth.certificates import Pair, issue

API = "/apis/core.kjournal/v1alpha1"
LINES = f"{API}/namespaces/shop/containerlogs"
LOCAL = f"{API}/namespaces/shop/localauditevents"
TRUST = ("-n", "kube-system", "configmap", "extension-apiserver-authentication")
SECRET = "hunter2-in-base64"
RBAC = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: kjournal-reader-of-trust, namespace: kube-system}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: extension-apiserver-authentication-reader
subjects: [{kind: ServiceAccount, name: kjournal, namespace: kjournal-system}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: dev, namespace: shop}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: auditor, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: dev-reads, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kjournal-reader}
subjects: [{kind: ServiceAccount, name: dev, namespace: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: kjournal-localauditevents}
rules:
- {apiGroups: [core.kjournal], resources: [localauditevents], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: auditor-reads, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kjournal-localauditevents}
subjects: [{kind: ServiceAccount, name: auditor, namespace: shop}]
"""
DEV_BINDING = ("-n", "shop", "rolebinding", "dev-reads")


@attrs.frozen(kw_only=True)
class Stage:
    """A gateway that reaches its kube-apiserver through a proxy, and who asks it directly."""

    kube: Kube
    gateway: Gateway
    store: Store
    proxy: Proxy
    port: int
    folder: Path

    def token(self, account: str) -> str:
        """Return a bearer token of an account in `shop`."""
        return self.kube.kubectl("create", "token", account, "-n", "shop").stdout.strip()

    def ask(
        self, path: str, pair: tuple[Path, Path] | None = None, **headers: str
    ) -> tuple[int, str]:
        """Return code and body of a request on the secure port."""
        context = ssl.create_default_context(cafile=self.kube.env["KUBE_CA"])
        if pair is not None:
            context.load_cert_chain(*pair)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=named)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def watch(self, path: str, token: str) -> Following:
        """Return a watch by curl."""
        url = f"https://127.0.0.1:{self.port}{path}?watch=true"
        command = ["curl", "-sSN", "--cacert", self.kube.env["KUBE_CA"], url]
        return Following([*command, "-H", f"Authorization: Bearer {token}"])

    def say(self, text: str, namespace: str = "shop") -> None:
        """Store a line."""
        self.store.write([("container-security", None, container_line(text, namespace))])

    def serial(self) -> int:
        """Return the serial number of the certificate that a new connection is shown."""
        context = ssl.create_default_context(cafile=self.kube.env["KUBE_CA"])
        with (
            socket.create_connection(("127.0.0.1", self.port)) as raw,
            context.wrap_socket(raw, server_hostname="127.0.0.1") as tls,
        ):
            shown = tls.getpeercert(binary_form=True)
        assert shown is not None
        return x509.load_der_x509_certificate(shown).serial_number

    def rotate(self, name: str) -> int:
        """Put a new serving certificate where the gateway reads it; return its serial number."""
        certificate, key = self.kube.serving(
            name, "DNS:kjournal.kjournal-system.svc", "IP:127.0.0.1"
        )
        (self.folder / "tls.key").write_bytes(key.read_bytes())
        (self.folder / "tls.crt").write_bytes(certificate.read_bytes())
        return x509.load_pem_x509_certificate(certificate.read_bytes()).serial_number


@pytest.fixture(scope="module")
def stage(kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Yield the gateway; its trust comes from the cluster alone."""
    folder = tmp_path_factory.mktemp("security")
    store, proxy = Store.embedded(folder), Proxy(kube.env["KUBE_APISERVER_URL"])
    kubeconfig = kubeconfig_of_account(kube, folder)
    kube.kubectl("apply", "-f", "-", input=RBAC)
    document = yaml.safe_load(kubeconfig.read_text())
    parts = urllib.parse.urlsplit(proxy.url)
    document["clusters"][0]["cluster"]["server"] = f"https://{parts.netloc}"
    kubeconfig.write_text(yaml.safe_dump(document))
    port = free_port()
    flags = (
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={folder / 'tls.crt'}",
        f"--tls-private-key-file={folder / 'tls.key'}",
        f"--kubeconfig={kubeconfig}",
    )
    with contextlib.closing(proxy):
        first = Stage(
            kube=kube,
            gateway=Gateway((), folder / "x", {}),
            store=store,
            proxy=proxy,
            port=port,
            folder=folder,
        )
        first.rotate("security-first")
        with running_gateway(folder, *flags, *store.flags) as gateway:
            yield attrs.evolve(first, gateway=gateway)


def said(watch: Following) -> list[str]:
    """Return what the lines say that a watch showed, in order."""
    objects = [load_json(line)["object"] for line in watch.lines if '"ADDED"' in line]
    return [found["payload"]["log"] for found in objects]


def trusted(stage: Stage) -> dict[str, Any]:
    """Return the data of the ConfigMap that tells whom to believe."""
    found = load_json(stage.kube.kubectl("get", *TRUST, "-o", "json").stdout)["data"]
    assert isinstance(found, dict)
    return found


def trust(stage: Stage, front_proxy_cas: str) -> None:
    patch = dump_json({"data": {"requestheader-client-ca-file": front_proxy_cas}}).decode()
    stage.kube.kubectl("patch", *TRUST, "--type=merge", "-p", patch)


def another_front_proxy(stage: Stage, name: str) -> tuple[Pair, tuple[Path, Path]]:
    """Return a CA that nobody believes yet, and files of a front proxy's certificate by it."""
    since, until_ = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    ca = issue(None, "another-front-proxy-ca", ca=True, usages=None, since=since, until=until_)
    leaf = issue(ca, name, since=since, until=until_)
    return ca, leaf.write(stage.folder, "another-front-proxy")


@pytest.mark.paragraph("5.1", "A CA that the ConfigMap gains is believed, one it loses no more.")
@pytest.mark.paragraph("5.2", "Certificates rotate under a watch that goes on.")
def test_a_watch_outlives_all_rotations(stage: Stage) -> None:
    vouched = {"X-Remote-User": "system:serviceaccount:shop:dev"}
    before = trusted(stage)["requestheader-client-ca-file"]
    ca, proxy = another_front_proxy(stage, stage.kube.env["FRONT_PROXY_NAME"])

    def code() -> int:
        return stage.ask(LINES, proxy, **vouched)[0]

    with stage.watch(LINES, stage.token("dev")) as watch:
        stage.say("before")
        watch.says("before")
        assert code() == 401
        serial = stage.rotate("security-second")
        until("the new certificate is served", lambda: stage.serial() == serial)
        stage.say("after the serving certificate")
        trust(stage, before + ca.pem.decode())
        until("the new front proxy is believed", lambda: code() == 200)
        stage.say("after the new CA")
        trust(stage, before)
        until("the new front proxy is believed no more", lambda: code() == 401)
        stage.say("after the old CA")
        watch.says("after the old CA")
        assert said(watch) == [
            "before",
            "after the serving certificate",
            "after the new CA",
            "after the old CA",
        ]


@pytest.mark.paragraph("5.3", "Bearer tokens are reviewed by the cluster; bad ones are 401.")
@pytest.mark.paragraph("5.4", "401 says Unauthorized, and names no way to authenticate.")
def test_tokens(stage: Stage) -> None:
    good = stage.token("dev")
    assert stage.ask(LINES, Authorization=f"Bearer {good}")[0] == 200
    for bad in (good[:-8] + "AAAAAAAA", good + "x", "x"):
        code, body = stage.ask(LINES, Authorization=f"Bearer {bad}")
        status = load_json(body)
        assert (code, status["reason"], status["message"]) == (401, "Unauthorized", "Unauthorized")
    code, body = stage.ask(LINES)
    assert (code, '\\"system:anonymous\\" cannot list' in body) == (403, True)


@pytest.mark.paragraph("5.3", "A WebSocket brings its token as a subprotocol.")
def test_a_websockets_token(stage: Stage) -> None:
    token = base64.urlsafe_b64encode(stage.token("dev").encode()).decode().rstrip("=")
    offered = f"base64url.bearer.authorization.k8s.io.{token}, base64.binary.k8s.io"
    command = ["curl", "-sSiN", "--http1.1", "--max-time", "5", "--cacert"]
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Protocol": offered,
    }
    url = f"https://127.0.0.1:{stage.port}{LINES}?watch=true&timeoutSeconds=1"
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [*command, stage.kube.env["KUBE_CA"], url, *sent], capture_output=True, check=False
    )
    head = done.stdout.partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("HTTP/1.1 101 ")
    assert "base64.binary.k8s.io" in head
    assert "base64url.bearer" not in head


@pytest.mark.paragraph("5.6", "Rights that are taken away hold no longer than ten seconds.")
def test_revocation(stage: Stage) -> None:
    """A watch that is open stays until it reconnects."""
    token = stage.token("dev")
    with stage.watch(LINES, token) as watch:
        stage.say("while it may")
        watch.says("while it may")
        binding = stage.kube.kubectl("get", *DEV_BINDING, "-o", "yaml").stdout
        stage.kube.kubectl("delete", *DEV_BINDING)
        try:
            refused = lambda: stage.ask(LINES, Authorization=f"Bearer {token}")[0] == 403  # noqa: E731
            until("new requests are refused", refused)
            stage.say("on the open watch")
            watch.says("on the open watch")
        finally:
            fresh = yaml.safe_load(binding)
            fresh["metadata"] = {"name": "dev-reads", "namespace": "shop"}
            stage.kube.kubectl("apply", "-f", "-", input=yaml.safe_dump(fresh))
    allowed = lambda: stage.ask(LINES, Authorization=f"Bearer {token}")[0] == 200  # noqa: E731
    until("the binding is back", allowed)


@pytest.mark.paragraph("5.6", "Without an answer to a review nothing is served, and that is 500.")
@pytest.mark.paragraph("5.1", "What the cluster told last stays while it is silent.")
def test_a_silent_kube_apiserver_lets_nobody_in(stage: Stage) -> None:
    """Who is known by certificate is still known; who may not be asked about is not served."""
    token, fresh = stage.token("dev"), stage.token("dev")
    front = (Path(stage.kube.env["FRONT_PROXY_CERT"]), Path(stage.kube.env["FRONT_PROXY_KEY"]))
    with stage.watch(LINES, token) as watch:
        stage.say("before the silence")
        watch.says("before the silence")
        with stage.proxy.stalled():
            code, body = stage.ask(LINES, Authorization=f"Bearer {fresh}")
            assert (code, load_json(body)["reason"]) == (401, "Unauthorized")
            code, body = stage.ask(LINES, front, X_Remote_User="somebody")
            assert (code, load_json(body)["reason"]) == (500, "InternalError")
            assert "items" not in body
            assert stage.ask("/readyz")[0] == 200
            stage.say("in the silence")
            watch.says("in the silence")
    served = lambda: stage.ask(LINES, Authorization=f"Bearer {fresh}")[0] == 200  # noqa: E731
    until("it is asked again", served)


def audit_event(resource: str, namespace: str | None, verb: str = "create") -> dict[str, Any]:
    reference = {"resource": resource, "namespace": namespace, "name": "x", "apiVersion": "v1"}
    body = {"kind": "Any", "data": {"password": SECRET}}
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": f"{resource}-{namespace}",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": f"who-acts-in-{namespace}"},
        "objectRef": {key: value for key, value in reference.items() if value is not None},
        "requestObject": body,
        "responseObject": body,
        "stageTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


@pytest.mark.paragraph("5.6", "Audit events of one namespace are a right of their own.")
def test_local_audit_events(stage: Stage) -> None:
    """One namespace's events, without bodies, in every representation."""
    documents = [
        audit_event(resource, namespace)
        for resource in ("secrets", "deployments", "serviceaccounts")
        for namespace in ("shop", "bank", "shop-b", None)
    ]
    stage.store.write([("audit-security", None, document) for document in documents])
    bearer = {"Authorization": f"Bearer {stage.token('auditor')}"}
    for elsewhere in (
        f"{API}/namespaces/bank/localauditevents",
        f"{API}/localauditevents",
        f"{API}/auditevents",
        LINES,
    ):
        assert stage.ask(elsewhere, **bearer)[0] == 403
    code, body = stage.ask(LOCAL, **bearer)
    found = load_json(body)["items"]
    assert code == 200
    assert sorted(item["auditID"] for item in found) == [
        "deployments-shop",
        "secrets-shop",
        "serviceaccounts-shop",
    ]
    for item in found:
        assert item["metadata"]["annotations"]["kjournal/omitted"] == "requestObject,responseObject"
    table = "application/json;as=Table;g=meta.k8s.io;v=v1"
    for query, accept in (
        ("", "application/json"),
        ("", "application/yaml"),
        ("?includeObject=Object", table),
        ("?watch=true&timeoutSeconds=1", "application/json"),
        ("?watch=true&timeoutSeconds=1&includeObject=Object", table),
    ):
        code, body = stage.ask(LOCAL + query, Accept=accept, **bearer)
        assert (code, "secrets-shop" in body or "secrets" in body) == (200, True)
        assert SECRET not in body
        assert "bank" not in body
        assert "shop-b" not in body
    guess = f"?fieldSelector=requestObject.data.password%3D{SECRET}"
    assert stage.ask(LOCAL + guess, **bearer)[0] == 400
