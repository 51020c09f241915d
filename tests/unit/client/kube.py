"""A kube-apiserver in memory: it answers as told, over the real HTTP stack."""

from collections.abc import Callable
from typing import Any

import attrs
from treq.client import HTTPClient
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.web.client import Agent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from kjournal.client.connection import KubeConnection
from kjournal.client.kubeconfig import ClusterConfig
from kjournal.codec import dump_json, load_json

CONFIG = ClusterConfig(server="https://10.0.0.1:6443", fixed_token="s3cret")
HELD = object()


@attrs.frozen
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class FakeKube(Resource):
    """Answers each request by `answer`: (code, document), or HELD until `release`."""

    def __init__(self, answer: Callable[[Asked], Any]) -> None:
        super().__init__()
        self.isLeaf = True
        self.answer, self.asked, self._held = answer, [], []
        self.clock = Clock()
        self._treq = StubTreq(self)

    def connection(self, config: ClusterConfig = CONFIG) -> KubeConnection:
        """Return a connection to it."""
        return KubeConnection(config, self._treq, self.clock)

    def render(self, request: Request) -> Any:
        headers = {
            name.decode().lower(): values[0].decode()
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        text = request.content.read()
        body = load_json(text) if text else None
        asked = Asked(request.method.decode(), request.uri.decode(), headers, body)
        self.asked.append(asked)
        answer = self.answer(asked)
        if answer is HELD:
            self._held.append(request)
            return NOT_DONE_YET
        return self._written(request, *answer)

    def _written(self, request: Request, code: int, document: object) -> bytes:
        request.setResponseCode(code)
        return document if isinstance(document, bytes) else dump_json(document)

    def release(self, code: int, document: object) -> None:
        """Answer all that is held."""
        for request in self._held:
            request.write(self._written(request, code, document))
            request.finish()
        self._held.clear()
        self._treq.flush()


def unreachable(error: Exception, clock: Clock) -> tuple[KubeConnection, list[bytes]]:
    """Return a connection whose every request fails, and the list of what was tried."""
    tried: list[bytes] = []

    class Broken(Agent):
        def __init__(self) -> None:
            pass

        def request(self, method: bytes, uri: bytes, *_: object, **__: object) -> Deferred[Any]:
            tried.append(uri)
            return fail(error)

    return KubeConnection(CONFIG, HTTPClient(Broken()), clock), tried
