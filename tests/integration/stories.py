"""What the stories share: a store, a gateway before it, a client that follows, and patience."""

import contextlib
import http.client
import os
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs

from kjournal.codec import dump_json, format_micros, load_json
from tests.rig_servers import Gateway, free_port, run

API = "/apis/core.kjournal/v1alpha1"
KINDS = ("containerlogs", "events", "auditevents", "logs")
NAMESPACED = ("containerlogs", "events")
SECOND_US = 1_000_000

Documents = Sequence[tuple[str, str | None, dict[str, Any]]]
"""Index, id and document of each."""

T = TypeVar("T")


def until(what: str, condition: Callable[[], T], within_s: float = 60) -> T:
    """Return the condition's first true value, asking again and again."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.05)
    return value


def ago(seconds: float) -> str:
    """Return a time of the past in RFC 3339."""
    return format_micros(int((time.time() - seconds) * SECOND_US))


@attrs.frozen
class Answer:
    """What came back over HTTP."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return load_json(self.body)


def ask(
    url: str,
    path: str = "",
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Return the answer to one request, whatever it is."""
    parts = urllib.parse.urlsplit(url)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    try:
        connection.request(method, parts.path + path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def bulk(url: str, documents: Documents) -> None:
    """Write documents by the `_bulk` protocol, and make them visible."""
    for at in range(0, len(documents), 5000):
        lines = bytearray()
        for index, id, document in documents[at : at + 5000]:
            target = {"_index": index} if id is None else {"_index": index, "_id": id}
            lines += dump_json({"create": target}) + b"\n" + dump_json(document) + b"\n"
        answer = ask(
            url,
            "/_bulk?refresh=true",
            method="POST",
            body=bytes(lines),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert answer.status == 200, answer.body[:2000]
        assert answer.json["errors"] is False, answer.body[:2000]


@attrs.frozen
class Store:
    """A store to put a gateway before: what the gateway is told, and where documents go."""

    name: str
    url: str
    flags: tuple[str, ...]

    @classmethod
    def embedded(cls, folder: Path) -> "Store":
        """Return a store in a file; its URL answers once the gateway runs."""
        port = free_port()
        flags = (f"--store={folder / 'kjournal.db'}", f"--bulk-port={port}")
        return cls("embedded", f"http://127.0.0.1:{port}", flags)

    @classmethod
    def elasticsearch(cls, url: str) -> "Store":
        """Return an Elasticsearch that runs."""
        return cls("elasticsearch", url, (f"--es-url={url}",))

    def write(self, documents: Documents) -> None:
        """Write documents, and make them visible."""
        bulk(self.url, documents)

    def forget(self, pattern: str) -> None:
        """Delete the indices of a pattern; the embedded store goes with its file."""
        if self.name != "embedded":
            assert ask(self.url, f"/{pattern}", method="DELETE").status == 200


CONFIG = """
apiVersion: config.kjournal/v1alpha1
kind: APIServerConfig
apis:
- resource: containerlogs
  fieldMap:
    metadata.namespace: [kubernetes.namespace_name]
    metadata.creationTimestamp: ["@timestamp"]
    metadata.labels: [kubernetes.labels]
    pod: [kubernetes.pod_name]
    container: [kubernetes.container_name]
    payload: ["."]
  dropFields: [payload.@timestamp, payload.kubernetes]
  backend: {elasticsearch: {index: "%(prefix)s-container-*", refreshRate: 200ms}}
- resource: events
  backend:
    elasticsearch:
      index: "%(prefix)s-events-*"
      timestampFields: [metadata.creationTimestamp]
      refreshRate: 200ms
- resource: auditevents
  filter: kind=Event
  backend:
    elasticsearch:
      index: "%(prefix)s-audit-*"
      timestampFields: [stageTimestamp]
      refreshRate: 200ms
- resource: logs
  fieldMap:
    metadata.creationTimestamp: ["@timestamp"]
    metadata.annotations.host: [host]
    payload: ["."]
  backend: {elasticsearch: {index: "%(prefix)s-logs-*", refreshRate: 200ms}}
"""
INDEX_OF = {
    "containerlogs": "container",
    "events": "events",
    "auditevents": "audit",
    "logs": "logs",
}


def config_file(folder: Path, prefix: str) -> Path:
    """Write a config whose indices begin with a prefix, as fluent-bit writes them."""
    path = folder / "kjournal.yaml"
    path.write_text(CONFIG % {"prefix": prefix})
    return path


@contextlib.contextmanager
def running_gateway(
    folder: Path, *flags: str, env: dict[str, str] | None = None
) -> Iterator[Gateway]:
    """Yield a gateway that is ready; in the end its log may hold no traceback."""
    server = Gateway(flags, folder / "gateway.log", env or {})
    try:
        server.start()
        yield server
    finally:
        if server.running:
            server.stop()
    assert not server.tracebacks(), server.log()


class Following:
    """A process whose output is read as it comes."""

    def __init__(self, command: Sequence[str | Path], env: dict[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in (
                (self._process.stdout, self.lines),
                (self._process.stderr, self.errors),
            )
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self.ended()

    def said(self, *words: str) -> list[str]:
        """Return the lines that hold all the words."""
        return [line for line in self.lines if all(word in line for word in words)]

    def says(self, *words: str, times: int = 1) -> None:
        """Wait for lines with the words."""

        def enough() -> bool:
            if len(self.said(*words)) >= times:
                return True
            ended = self._process.poll()
            assert ended is None, f"ended with {ended}: {self.lines[-5:]} {self.errors}"
            return False

        try:
            until(f"{times} lines with {words}", enough)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.lines}\n{self.errors}") from error

    def ended(self) -> int:
        """Wait for its end, and return its status."""
        status = self._process.wait(60)
        for thread in self._threads:
            thread.join(60)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return status


@attrs.frozen
class Kubectl:
    """kubectl as one user of one server."""

    command: tuple[str, ...]

    @classmethod
    def straight(cls, kubectl: Path, url: str, cache: Path) -> "Kubectl":
        """Return kubectl without a kubeconfig, at a plain HTTP port."""
        where = ("--kubeconfig=/dev/null", f"--cache-dir={cache}", "-s", url)
        return cls((str(kubectl), *where))

    def __call__(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run it to its end; unless told otherwise it must succeed."""
        return run([*self.command, *args], check=check)

    def json(self, *args: str) -> Any:
        """Return what `-o json` prints."""
        return load_json(self(*args, "-o", "json").stdout)

    def follow(self, *args: str) -> Following:
        """Start it, and read as it prints."""
        return Following([*self.command, *args])


def names_of(output: str) -> list[str]:
    """Return the lines of `-o name`."""
    return output.split()


@attrs.frozen
class Site:
    """A gateway before a store, over indices that nobody else uses."""

    store: Store
    gateway: Gateway
    prefix: str

    @property
    def url(self) -> str:
        """Where the gateway answers."""
        return self.gateway.url

    def index(self, kind: str, rest: str = "a") -> str:
        """Return the whole name of an index of a kind."""
        return f"{self.prefix}-{INDEX_OF[kind]}-{rest}"

    def items(self, kind: str, namespace: str = "", query: str = "") -> list[dict[str, Any]]:
        """Return the objects of a list that succeeds."""
        answer = ask(self.url, f"{path_of(kind, namespace)}{query}")
        assert answer.status == 200, answer.body
        found: list[dict[str, Any]] = answer.json["items"]
        return found


def path_of(kind: str, namespace: str = "") -> str:
    """Return the path of a list."""
    return f"{API}/namespaces/{namespace}/{kind}" if namespace else f"{API}/{kind}"


def container_line(log: Any, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """Return a container's line of now, as fluent-bit writes it."""
    kubernetes = {"namespace_name": namespace, "pod_name": "pod-1", "container_name": "main"}
    return {"@timestamp": ago(0), "log": log, "kubernetes": kubernetes, **more}
