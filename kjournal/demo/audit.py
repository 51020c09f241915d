"""Audit events of the imaginary cluster's API server: audit.k8s.io/v1, one for each request."""

from random import Random
from typing import Any

import attrs

from kjournal.codec import MICROSECONDS, format_micros
from kjournal.demo.documents import indexed
from kjournal.demo.names import uid
from kjournal.store.interfaces import NewDocument


@attrs.frozen
class Account:
    """Somebody who asks the API server."""

    username: str
    groups: tuple[str, ...]
    source_ip: str
    agent: str
    role: str
    """The ClusterRole that allows what they do."""


def _service_account(namespace: str, name: str, agent: str) -> Account:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    username = f"system:serviceaccount:{namespace}:{name}"
    return Account(username, groups, "10.244.1.7", agent, f"{namespace}:{name}")


_KUBE = "v1.35.4 (linux/amd64) kubernetes/unknown"
KUBECTL = "kubectl/v1.35.4 (darwin/arm64) kubernetes/unknown"

JANE = Account("jane@shop.example", ("shop-admins",), "198.51.100.23", KUBECTL, "admin")
INTERN = Account("tom@shop.example", ("shop-viewers",), "198.51.100.77", KUBECTL, "view")
SCRAPER = _service_account("platform", "metrics", "Prometheus/2.55.1")
DEPLOYER = _service_account("platform", "deployer", "flux/2.4.0")
REPLICAS = _service_account(
    "kube-system", "replicaset-controller", f"kube-controller-manager/{_KUBE}/system:serviceaccount"
)
SCHEDULER = Account(
    "system:kube-scheduler", (), "192.0.2.10", f"kube-scheduler/{_KUBE}/scheduler", "scheduler"
)
CONTROLLERS = Account(
    "system:kube-controller-manager",
    (),
    "192.0.2.10",
    f"kube-controller-manager/{_KUBE}/shared-informers",
    "system:kube-controller-manager",
)


def node_account(node: str) -> Account:
    """Return the kubelet of a node."""
    address = f"192.0.2.2{node[-1]}"
    return Account(f"system:node:{node}", ("system:nodes",), address, f"kubelet/{_KUBE}", "node")


@attrs.frozen(kw_only=True)
class Call:
    """One request to the API server."""

    account: Account
    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: str = ""
    code: int = 200
    body: dict[str, Any] | None = None

    @property
    def uri(self) -> str:
        """The path and query of the request."""
        root = f"/apis/{self.group}/v1" if self.group else "/api/v1"
        place = f"/namespaces/{self.namespace}" if self.namespace else ""
        # A new object has no name in the path yet; a binding or status is made of a named one.
        name = "" if self.verb == "create" and not self.subresource else self.name
        target = "".join(f"/{part}" for part in (name, self.subresource) if part)
        return f"{root}{place}/{self.resource}{target}{'?' if self.query else ''}{self.query}"

    @property
    def reference(self) -> dict[str, str]:
        """The audit event's objectRef, which leaves out what is empty."""
        reference = {
            "resource": self.resource,
            "namespace": self.namespace,
            "name": self.name,
            "apiGroup": self.group,
            "apiVersion": "v1",
            "subresource": self.subresource,
        }
        return {key: value for key, value in reference.items() if value}


def audit_document(rng: Random, time_us: int, call: Call) -> NewDocument:
    """Return the audit event of a request that is answered now.

    Source: kubernetes.io/docs/reference/config-api/apiserver-audit.v1
    """
    received_us = time_us - int(rng.lognormvariate(-5.5, 0.8) * MICROSECONDS)
    account = call.account
    document: dict[str, Any] = {
        "@timestamp": format_micros(time_us),
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request" if call.body is not None else "Metadata",
        "auditID": uid(rng),
        "stage": "ResponseStarted" if call.verb == "watch" else "ResponseComplete",
        "requestURI": call.uri,
        "verb": call.verb,
        "user": {
            "username": account.username,
            "groups": [*account.groups, "system:authenticated"],
        },
        "sourceIPs": [account.source_ip],
        "userAgent": account.agent,
        "objectRef": call.reference,
        "responseStatus": _status(call),
        "requestReceivedTimestamp": format_micros(received_us),
        "stageTimestamp": format_micros(time_us),
        "annotations": _annotations(call),
    }
    if call.body is not None:
        document["requestObject"] = call.body
    return indexed("audit", time_us, document, document["auditID"])


def _status(call: Call) -> dict[str, Any]:
    if call.code != 403:
        return {"metadata": {}, "code": call.code}
    where = f'in the namespace "{call.namespace}"' if call.namespace else "at the cluster scope"
    message = (
        f'{call.resource} is forbidden: User "{call.account.username}" cannot {call.verb} '
        f'resource "{call.resource}" in API group "{call.group}" {where}'
    )
    return {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "Forbidden",
        "details": {"kind": call.resource},
        "code": 403,
    }


def _annotations(call: Call) -> dict[str, str]:
    if call.code == 403:
        return {
            "authorization.k8s.io/decision": "forbid",
            "authorization.k8s.io/reason": "",
        }
    role, who = call.account.role, call.account.username
    reason = f'RBAC: allowed by ClusterRoleBinding "{role}" of ClusterRole "{role}" to User "{who}"'
    return {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason}
