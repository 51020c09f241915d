"""A gateway behind a real kube-apiserver, and the people who ask through it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.integration.stories import Kubectl, running_gateway, until
from tests.rig_fixtures import Kube
from tests.rig_servers import Gateway, free_port

ACCOUNT = "kjournal"
SYSTEM = "kjournal-system"
RBAC = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {SYSTEM}}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: shop}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: bank}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {ACCOUNT}, namespace: {SYSTEM}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: kjournal-auth-delegator}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:auth-delegator"}}
subjects: [{{kind: ServiceAccount, name: {ACCOUNT}, namespace: {SYSTEM}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: kjournal-reader}}
rules:
- apiGroups: [core.kjournal]
  resources: [containerlogs, events, auditevents, localauditevents, logs]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: kjournal-readers}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kjournal-reader}}
subjects: [{{kind: Group, apiGroup: rbac.authorization.k8s.io, name: log-readers}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: kjournal-reader, namespace: shop}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: kjournal-reader}}
subjects: [{{kind: User, apiGroup: rbac.authorization.k8s.io, name: shop-dev}}]
"""


def kubeconfig_of_account(kube: Kube, folder: Path) -> Path:
    """Return the kubeconfig of the gateway's service account, which may ask reviews, not more."""
    kube.kubectl("apply", "-f", "-", input=RBAC)
    token = kube.kubectl("create", "token", ACCOUNT, "-n", SYSTEM).stdout.strip()
    document = yaml.safe_load(Path(kube.env["KUBECONFIG"]).read_text())
    user = document["contexts"][0]["context"]["user"]
    document["users"] = [{"name": user, "user": {"token": token}}]
    path = folder / "account.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


@contextlib.contextmanager
def registered_gateway(kube: Kube, folder: Path, *flags: str) -> Iterator[tuple[Gateway, int]]:
    """Yield a gateway that kube-apiserver hands requests to, and its secure port."""
    certificate, key = kube.serving(
        "kjournal-stories", f"DNS:{ACCOUNT}.{SYSTEM}.svc", "IP:127.0.0.1"
    )
    port = free_port()
    secure = (
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--requestheader-client-ca-file={kube.env['FRONT_PROXY_CA']}",
        f"--requestheader-allowed-names={kube.env['FRONT_PROXY_NAME']}",
        f"--authorization-kubeconfig={kubeconfig_of_account(kube, folder)}",
    )
    with running_gateway(folder, *secure, *flags) as gateway:
        kube.register(f"127.0.0.1:{port}", kube.env["KUBE_CA"])
        try:
            until("discovery knows the group", lambda: discovered(kube))
            yield gateway, port
        finally:
            kube.kubectl("delete", "apiservice", "v1alpha1.core.kjournal")


def discovered(kube: Kube) -> bool:
    """Tell whether kube-apiserver's own discovery lists the kinds."""
    listed = kube.kubectl("api-resources", "--api-group=core.kjournal", "-o", "name", check=False)
    return "containerlogs.core.kjournal" in listed.stdout


def kubectl_as(kube: Kube, name: str, *groups: str) -> Kubectl:
    """Return kubectl through kube-apiserver as any user."""
    return Kubectl(tuple(kube.kubectl_command(kubeconfig=kube.user(name, *groups))))
