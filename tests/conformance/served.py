"""A gateway as its clients reach it: by HTTP of any shape, and by a kubeconfig."""

import base64
import http.client
import ssl
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

import attrs
import yaml

from tests.integration.stories import INDEX_OF, Answer, Documents, Store
from tests.rig_servers import Gateway


def direct_kubeconfig(url: str, folder: Path) -> Path:
    """Return a kubeconfig of a plain HTTP port, which asks nobody who they are."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "direct", "cluster": {"server": url}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "direct", "context": {"cluster": "direct", "user": "nobody"}}],
        "current-context": "direct",
    }
    path = folder / "direct.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


@attrs.frozen
class Served:
    """A gateway before a store, over indices that nobody else uses.

    `kubeconfig` is of a user who may read every kind everywhere.
    """

    proxied: bool
    store: Store
    gateway: Gateway
    prefix: str
    kubeconfig: Path

    def index(self, kind: str, rest: str = "a") -> str:
        """Return the whole name of an index of a kind."""
        return f"{self.prefix}-{INDEX_OF[kind]}-{rest}"

    def write(self, documents: Documents) -> None:
        """Write documents, and make them visible."""
        self.store.write(documents)

    def connection(self, timeout_s: float = 60) -> http.client.HTTPConnection:
        """Return a connection to where `kubeconfig` points, with its credentials."""
        where = urllib.parse.urlsplit(_only(self.kubeconfig, "clusters")["server"])
        assert where.hostname is not None
        if where.scheme == "http":
            return http.client.HTTPConnection(where.hostname, where.port, timeout=timeout_s)
        return http.client.HTTPSConnection(
            where.hostname, where.port, timeout=timeout_s, context=self._context()
        )

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Return the answer to one request, whatever it is."""
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def _context(self) -> ssl.SSLContext:
        authority = _only(self.kubeconfig, "clusters")["certificate-authority-data"]
        user = _only(self.kubeconfig, "users")
        context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
        # OpenSSL takes a client's certificate from files only.
        with tempfile.NamedTemporaryFile() as pair:
            for part in ("client-certificate-data", "client-key-data"):
                pair.write(base64.b64decode(user[part]))
            pair.flush()
            context.load_cert_chain(pair.name)
        return context


def _only(kubeconfig: Path, part: str) -> dict[str, Any]:
    (entry,) = yaml.safe_load(kubeconfig.read_text())[part]
    found: dict[str, Any] = entry[part.removesuffix("s")]
    return found
