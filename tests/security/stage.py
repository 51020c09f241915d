"""A server that says who asks, wired as the gateway is, before a real kube-apiserver."""

import base64
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import yaml
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from kjournal.api.tls import CertificateFiles, ServingContextFactory, peer_chain_of
from kjournal.auth.authenticator import Authenticator, authenticator_of
from kjournal.auth.bearer import TokenReviewer
from kjournal.auth.interfaces import Credentials
from kjournal.auth.trust import TrustSource, trust_of
from kjournal.client.connection import KubeConnection, connect
from kjournal.client.kubeconfig import load_kubeconfig
from kjournal.codec import dump_json, load_json
from kjournal.config.model import ServingSettings
from kjournal.errors import APIError

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


async def closed(opened: KubeConnection) -> None:
    await opened.close()
    await deferLater(reactor, 0)


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
    settings: ServingSettings, ca_file: str, reviewer: Path
) -> AsyncIterator[tuple[Running, TrustSource]]:
    """Listen on a real port, wired as the service does it; `reviewer` asks the cluster."""
    cluster = connect(load_kubeconfig(reviewer), reactor)
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


def pair_of(kubeconfig: Path, folder: Path) -> tuple[Path, Path]:
    """Return a kubeconfig's client certificate and key as files."""
    user = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]
    for name in ("client-certificate", "client-key"):
        (folder / name).write_bytes(base64.b64decode(user[f"{name}-data"]))
    return folder / "client-certificate", folder / "client-key"
