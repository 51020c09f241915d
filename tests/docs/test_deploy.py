"""The manifests and the image name what exists, and a real kube-apiserver takes them."""

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from kjournal.config.options import KjournalOptions, settings_of
from kjournal.kinds.model import GROUP, VERSION
from kjournal.kinds.registry import KINDS
from tests.docs.pages import ROOT
from tests.rig_fixtures import Kube, StartGateway, free_port

TEXT = (ROOT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8")
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(TEXT))
CA_BUNDLE = "CA_BUNDLE_BASE64"


def one(kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        document
        for document in DOCUMENTS
        if (document["kind"], document["metadata"]["name"]) == (kind, name)
    ]
    return found


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = one("Deployment", "kjournal")["spec"]["template"]["spec"]
    return spec


def container() -> dict[str, Any]:
    (found,) = pod()["containers"]
    return dict(found)


def test_the_arguments_are_good_settings() -> None:
    """The files that they name are mounted, and hold a certificate, a key or a secret."""
    mounts = [mount["mountPath"] for mount in container()["volumeMounts"]]
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        pem = "PRIVATE KEY" if path.endswith(".key") else "CERTIFICATE"
        return b"secret" if path.endswith("api-key") else f"-----BEGIN {pem}-----".encode()

    arguments = container()["args"]
    assert arguments[:3] == ["-n", "--pidfile=", "kjournal"]
    options = KjournalOptions()
    options.parseOptions(arguments[3:])
    settings = settings_of(options, {}, read)
    assert settings.serving.insecure_port == 0
    assert not settings.warnings
    folders = {path.rpartition("/")[0] for path in asked} | {settings.watch.state_dir}
    assert folders == set(mounts)
    port, named = settings.serving.secure_port, container()["ports"]
    assert named == [{"name": "https", "containerPort": port}]


def test_the_container_may_do_little() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_api_service_is_verified() -> None:
    spec = one("APIService", f"{VERSION}.{GROUP}")["spec"]
    service = one("Service", "kjournal")
    assert (spec["group"], spec["version"]) == (GROUP, VERSION)
    assert spec["caBundle"] == CA_BUNDLE
    assert "insecureSkipTLSVerify" not in TEXT
    assert spec["service"]["namespace"] == service["metadata"]["namespace"]
    assert spec["service"]["port"] == service["spec"]["ports"][0]["port"]


def test_only_namespaced_kinds_are_part_of_view() -> None:
    roles = [document for document in DOCUMENTS if document["kind"] == "ClusterRole"]
    viewed, all_of_them = set(), set()
    for role in roles:
        (rule,) = role["rules"]
        assert rule["verbs"] == ["get", "list", "watch"]
        assert rule["apiGroups"] == [GROUP]
        all_of_them |= set(rule["resources"])
        if "rbac.authorization.k8s.io/aggregate-to-view" in role["metadata"].get("labels", {}):
            viewed |= set(rule["resources"])
    assert viewed == {"containerlogs", "events"}
    assert all_of_them == set(KINDS)


def test_the_image_copies_what_exists() -> None:
    text = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    assert copies
    for name in " ".join(copies).split():
        assert (ROOT / name).exists(), name
    assert container()["image"] in text


@pytest.fixture(scope="module")
def prepared(kube: Kube) -> Kube:
    """Return the kube-apiserver with the namespace, which a dry run would not make."""
    kube.kubectl("apply", "-f", "-", input=yaml.safe_dump(one("Namespace", "kjournal-system")))
    return kube


def test_a_server_takes_the_manifests(prepared: Kube) -> None:
    """Each document, with strict validation of fields and the namespace's pod security."""
    text = TEXT.replace(CA_BUNDLE, b64encode(Path(prepared.env["KUBE_CA"]).read_bytes()).decode())
    done = prepared.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=text)
    assert len(done.stdout.splitlines()) == len(DOCUMENTS)
    assert "Warning" not in done.stderr


def test_a_server_refuses_a_forgotten_ca(prepared: Kube) -> None:
    done = prepared.kubectl("apply", "--dry-run=server", "-f", "-", input=TEXT, check=False)
    assert done.returncode != 0
    assert "base64" in done.stderr


ACCOUNT = ("ServiceAccount", "ClusterRoleBinding", "RoleBinding", "ClusterRole")
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "deploy-viewers", "namespace": "shop"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "kjournal-view",
    },
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "vera"}],
}


def test_the_account_and_roles_are_enough(
    prepared: Kube, gateway: StartGateway, tmp_path: Path
) -> None:
    """With the rights of its service account kjournal serves whom kjournal-view is bound to."""
    shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    rights = [document for document in DOCUMENTS if document["kind"] in ACCOUNT]
    prepared.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([shop, *rights, BINDING]))
    certificate, key = prepared.serving("deploy", "DNS:kjournal.kjournal-system.svc")
    port = free_port()
    gateway(
        "--demo",
        f"--store={tmp_path}/demo.db",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--kubeconfig={account_of(prepared, tmp_path)}",
    )
    vera = prepared.user("vera")

    def get(resource: str, *where: str) -> str:
        asked = ("get", f"{resource}.{GROUP}", *where)
        done = prepared.kubectl(*asked, kubeconfig=vera, check=False)
        return done.stdout or done.stderr

    try:
        prepared.register(f"127.0.0.1:{port}", prepared.env["KUBE_CA"])
        assert "POD" in get("containerlogs", "-n", "shop")
        assert "REASON" in get("events", "-n", "shop")
        for refused in (get("containerlogs", "-A"), get("auditevents"), get("logs")):
            assert "Forbidden" in refused
    finally:
        prepared.kubectl("delete", f"apiservice/{VERSION}.{GROUP}", "--ignore-not-found")


def account_of(kube: Kube, folder: Path) -> Path:
    """Return a kubeconfig with a token of the manifests' service account."""
    token = kube.kubectl("create", "token", "kjournal", "-n", "kjournal-system").stdout.strip()
    document = yaml.safe_load(Path(kube.env["KUBECONFIG"]).read_text())
    user = document["contexts"][0]["context"]["user"]
    document["users"] = [{"name": user, "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path
