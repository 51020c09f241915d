"""A gateway as its clients reach it: by HTTP of any shape, and by a kubeconfig."""

import base64
import http.client
import ssl
import tempfile
import urllib.parse
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import yaml

from kjournal.codec import dump_json, load_json
from tests.conformance.stream import Stream
from tests.integration.stories import INDEX_OF, Answer, Documents, Store, ask
from tests.rig_servers import Gateway

FUTURE = 9_007_199_254_740_991
"""A resourceVersion that nobody has given yet: the highest one."""


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

    def replace(self, index: str, id: str, document: dict[str, Any]) -> None:
        """Write a document in the place of the one with its id, and make it visible."""
        action = {"index": {"_index": index, "_id": id}}
        answer = ask(
            self.store.url,
            "/_bulk?refresh=true",
            method="POST",
            body=dump_json(action) + b"\n" + dump_json(document) + b"\n",
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.json["errors"] is False, answer.body[:2000]

    def connection(self, timeout_s: float = 60) -> http.client.HTTPConnection:
        """Return a connection to where `kubeconfig` points, with its credentials."""
        where = urllib.parse.urlsplit(_only(self.kubeconfig, "clusters")["server"])
        assert where.hostname is not None
        if where.scheme == "http":
            return http.client.HTTPConnection(where.hostname, where.port, timeout=timeout_s)
        return http.client.HTTPSConnection(
            where.hostname, where.port, timeout=timeout_s, context=_context(self.kubeconfig)
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

    def json(self, path: str, accept: str = "application/json") -> Any:
        """Return the document of an answer that succeeds."""
        answer = self.ask(path, headers={"Accept": accept})
        assert answer.status == 200, answer.body[:2000]
        return load_json(answer.body)

    def version(self, path: str) -> str:
        """Return the resourceVersion of a list of now."""
        return str(self.json(path)["metadata"]["resourceVersion"])

    def watch(self, path: str, accept: str = "application/json") -> Stream:
        """Open a watch; the path has a query already."""
        return self.stream(f"{path}&watch=true", {"Accept": accept})

    def stream(self, path: str, headers: dict[str, str] | None = None) -> Stream:
        """Return the answer to a request as it comes."""
        connection = self.connection()
        connection.request("GET", path, headers=headers or {})
        return Stream(connection, connection.getresponse())

    def events(self, path: str, accept: str = "application/json") -> list[Any]:
        """Return all events of a watch that ends by itself, within a second or two."""
        with self.watch(f"{path}&timeoutSeconds=1", accept) as stream:
            return stream.rest()

    def raw(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """Return an answer as it is on the wire, head, chunks and all."""
        connection = self.connection()
        try:
            connection.request("GET", path, headers={"Connection": "close", **(headers or {})})
            received = bytearray()
            while part := connection.sock.recv(65536):
                received += part
            return bytes(received)
        finally:
            connection.close()


@cache
def _context(kubeconfig: Path) -> ssl.SSLContext:
    authority = _only(kubeconfig, "clusters")["certificate-authority-data"]
    user = _only(kubeconfig, "users")
    context = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
    # OpenSSL takes a client's certificate from files only.
    with tempfile.NamedTemporaryFile() as pair:
        for part in ("client-certificate-data", "client-key-data"):
            pair.write(base64.b64decode(user[part]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


@cache
def _only(kubeconfig: Path, part: str) -> dict[str, Any]:
    (entry,) = yaml.safe_load(kubeconfig.read_text())[part]
    found: dict[str, Any] = entry[part.removesuffix("s")]
    return found
