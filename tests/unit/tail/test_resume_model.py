"""Any interleaving of writes, polls, breaks and resumes: nothing lost, and in one process once."""

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from kjournal.errors import StoreUnavailable
from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement
from kjournal.query.view import View
from kjournal.tail.figures import TailLimits
from tests.unit.tail.tailing import Client, Rig, rig_of

ODD = (Requirement("payload", Operator.IN, tuple(str(n) for n in range(1, 400, 2))),)
VIEWS = [
    View(kind="containerlogs"),
    View(kind="containerlogs", namespace="a"),
    View(kind="containerlogs", namespace="b"),
    View(kind="containerlogs", namespace="a", fields=ODD),
]
LONG = TailLimits(resume_window_s=24 * 3600)
SMALL = attrs.evolve(LONG, window_bytes=9000)

namespaces = st.sampled_from(["a", "b"])
verbs = st.one_of(
    st.tuples(st.just("write"), st.lists(namespaces, min_size=1, max_size=5)),
    st.tuples(st.just("write"), st.lists(namespaces, min_size=1, max_size=5)),
    st.tuples(st.just("tick"), st.sampled_from([0.0, 0.001, 0.5, 2.0, 9.0])),
    st.tuples(st.just("poll"), st.just(0)),
    st.tuples(st.just("read"), st.integers(0, 3), st.integers(1, 4)),
    st.tuples(st.just("bookmark"), st.integers(0, 3)),
    st.tuples(st.just("again"), st.integers(0, 3), st.integers(1, 4)),
    st.tuples(st.just("again"), st.integers(0, 3), st.integers(1, 4)),
    st.tuples(st.just("leave"), st.integers(0, 3)),
    st.tuples(st.just("connect"), st.integers(0, 3)),
)
rare = st.one_of(
    verbs,
    st.tuples(st.just("away"), st.integers(1, 5)),
    st.tuples(st.just("idle"), st.just(0)),
    st.tuples(st.just("process"), st.just(0)),
)


@attrs.define
class World:
    """Processes on one store, of which one at a time is asked, and clients."""

    rigs: list[Rig]
    clients: list[Client]
    limits: TailLimits
    written: list[tuple[str, str]] = attrs.field(factory=list)
    at: int = 0

    @property
    def rig(self) -> Rig:
        return self.rigs[self.at % len(self.rigs)]

    def write(self, where: list[str]) -> None:
        for namespace in where:
            payload = str(len(self.written))
            self.written.append((payload, namespace))
            self.rigs[0].write(payload, namespace)

    def tick(self, seconds: float) -> None:
        self.rig.tick(seconds)

    def poll(self, _: int) -> None:
        self.rig.version()

    def read(self, one: int, most: int) -> None:
        self.clients[one].read(self.rig, most)

    def bookmark(self, one: int) -> None:
        subscription = self.clients[one].subscription
        if subscription is not None:
            subscription.ask_bookmark()

    def leave(self, one: int) -> None:
        self.clients[one].leave()

    def connect(self, one: int) -> None:
        self.clients[one].connect(self.rig)

    def again(self, one: int, most: int) -> None:
        """Let a client read something of what is new, break off there, and come back at once."""
        self.poll(0)
        self.read(one, most)
        self.leave(one)
        self.connect(one)

    def away(self, polls: int) -> None:
        """Let the store be silent."""
        self.rig.store.next_answers("poll", *[StoreUnavailable("gone")] * polls)
        for _ in range(20):
            self.tick(1)
        self.rig.store.answers.clear()

    def idle(self, _: int) -> None:
        """Let all leave, and the tail stop."""
        for client in self.clients:
            client.leave()
        self.tick(16 * 60)
        self.tick(2)

    def process(self, _: int) -> None:
        """Let another process be asked from now on, so that all come to it."""
        for client in self.clients:
            client.leave()
        if len(self.rigs) < 3:
            self.rigs.append(rig_of(self.limits, beside=self.rigs[0]))
        self.at += 1

    def play(self, script: list[Any]) -> None:
        for verb, *rest in script:
            getattr(self, verb)(*rest)
        self.rig.version()
        for client in self.clients:
            # A reader that is too slow for the window is ended, and comes back.
            for _ in range(2):
                client.connect(self.rig)
                client.read(self.rig, 1000)

    def wanted(self, client: Client) -> list[str]:
        view = client.view
        return [
            payload
            for payload, namespace in self.written
            if view.namespace in (None, namespace) and (not view.fields or int(payload) % 2)
        ]


def world(limits: TailLimits) -> World:
    rig = rig_of(limits)
    version = rig.version()
    clients = [Client(view, version) for view in VIEWS]
    found = World([rig], clients, limits)
    for client in clients:
        client.connect(rig)
    return found


@settings(deadline=None, max_examples=100)
@given(st.lists(verbs, max_size=40))
def test_one_process(script: list[Any]) -> None:
    """Each matching record exactly once and in order, after any event's or bookmark's version."""
    found = world(LONG)
    found.play(script)
    for client in found.clients:
        assert not client.expired
        assert client.payloads == found.wanted(client)
        assert client.versions == sorted(set(client.versions))
        assert client.bookmarks == sorted(set(client.bookmarks))
    assert found.rig.tail.figures.resumes["store"] == 0


@settings(deadline=None, max_examples=100)
@given(st.lists(rare, max_size=40))
def test_many_processes(script: list[Any]) -> None:
    """Across processes, idle stops, silent stores and a small window: each record at least once."""
    found = world(SMALL)
    found.play(script)
    for client in found.clients:
        missed = [one for one in found.wanted(client) if one not in client.payloads]
        assert missed == []
        others = set(client.payloads) - set(found.wanted(client))
        assert not others
