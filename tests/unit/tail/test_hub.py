"""The hub: each event of a view exactly once, in order, or Expired."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from kjournal.errors import Expired
from kjournal.query.view import View
from kjournal.tail.hub import Bookmark, Hub
from kjournal.tail.window import WatchEvent, Window
from tests.results import failure, pending, started, success

NAMESPACES = ("a", "b")


def event(version: int, namespace: str = "a") -> WatchEvent:
    return WatchEvent("ADDED", version, {"metadata": {"namespace": namespace}}, 0, 1)


def view(namespace: str | None = None) -> View:
    return View(kind="containerlogs", namespace=namespace)


class Reader:
    """Reads a subscription as far as it goes, `slow` ones only when they are asked to."""

    def __init__(self, hub: Hub, namespace: str | None, after: int) -> None:
        self.namespace, self.after = namespace, after
        self.subscription = hub.subscribe(view(namespace), after)
        self.got: list[int] = []
        self.expired = False
        self._next: Deferred[Any] | None = None

    def read(self, steps: int) -> None:
        for _ in range(steps):
            if self.expired:
                return
            if self._next is not None and not self._next.called:
                return
            self._next = started(self.subscription.next())
            self._next.addCallbacks(self._took, self._failed)

    def assert_complete(self, published: list[WatchEvent]) -> None:
        self.read(100)
        expected = [
            e.resource_version
            for e in published
            if e.resource_version > self.after
            and self.namespace in (None, e.object["metadata"]["namespace"])
        ]
        assert self.got == expected[: len(self.got)]
        assert self.expired or self.got == expected

    def _took(self, found: Any) -> None:
        self.got.append(found.resource_version)

    def _failed(self, error: Any) -> None:
        error.trap(Expired)
        self.expired = True


actions = st.lists(
    st.tuples(st.just("publish"), st.lists(st.sampled_from(NAMESPACES), max_size=4))
    | st.tuples(st.just("subscribe"), st.sampled_from([None, *NAMESPACES]), st.integers(-9, 3))
    | st.tuples(st.just("read"), st.integers(0, 9), st.integers(1, 3))
    | st.tuples(st.just("close"), st.integers(0, 9)),
    max_size=40,
)


@settings(deadline=None)
@given(actions, st.integers(1, 6))
def test_model(script: list[Any], max_events: int) -> None:  # noqa: C901 - a script's verbs
    """Any interleaving gives each reader the events of its view above `after`, in order, once."""
    hub, published, readers = Hub(Window(max_events=max_events)), [], []
    hub.begin(10)
    version = 10
    for action, *rest in script:
        if action == "publish":
            events = []
            for namespace in rest[0]:
                version += 1
                events.append(event(version, namespace))
            version += 1
            hub.publish(events, version)
            published += events
        elif action == "subscribe":
            after = version + rest[1]
            try:
                readers.append(Reader(hub, rest[0], after))
            except Expired:
                assert after < hub.window.floor
        elif readers and action == "read":
            readers[rest[0] % len(readers)].read(rest[1])
        elif readers and action == "close":
            readers.pop(rest[0] % len(readers)).subscription.close()
    for reader in readers:
        reader.assert_complete(published)
    assert len(hub) == len(readers)


def test_wake() -> None:
    """A waiting reader is woken by an event of its namespace."""
    hub = Hub(Window())
    hub.begin(1)
    subscription = hub.subscribe(view("a"), 1)
    waiting = started(subscription.next())
    hub.publish([event(2, "b")], 3)
    pending(waiting)
    hub.publish([event(4, "a")], 5)
    assert success(waiting) == event(4, "a")


@pytest.mark.parametrize("after", [0, 5, 9])
def test_before_the_beginning(after: int) -> None:
    """Who asks for what came before the tail began is told Expired, at once or when it begins."""
    hub = Hub(Window())
    early = started(hub.subscribe(view(), after).next())
    pending(early)
    hub.begin(10)
    failure(early, Expired)
    with pytest.raises(Expired):
        hub.subscribe(view(), after)


def test_ahead() -> None:
    """Who comes with another replica's later version waits for what is above it."""
    hub = Hub(Window())
    hub.begin(10)
    waiting = started(hub.subscribe(view(), 20).next())
    hub.publish([event(15)], 16)
    pending(waiting)
    hub.publish([event(21)], 22)
    assert success(waiting).resource_version == 21


def test_bookmark() -> None:
    """A bookmark comes after everything older, with a version that covers it."""
    hub = Hub(Window())
    hub.begin(1)
    subscription = hub.subscribe(view("a"), 1)
    hub.publish([event(2), event(3, "b")], 4)
    subscription.ask_bookmark()
    assert success(subscription.next()) == event(2)
    assert success(subscription.next()) == Bookmark(4)
    waiting = started(subscription.next())
    pending(waiting)
    subscription.ask_bookmark()
    assert success(waiting) == Bookmark(4)


def test_bookmark_ahead() -> None:
    """A bookmark is never below the version that the reader came with."""
    hub = Hub(Window())
    hub.begin(1)
    subscription = hub.subscribe(view(), 9)
    subscription.ask_bookmark()
    assert success(subscription.next()) == Bookmark(9)


def test_end() -> None:
    """An ended subscription gives None, also to who waits, and events that follow do no harm."""
    hub = Hub(Window())
    hub.begin(1)
    subscription = hub.subscribe(view(), 1)
    waiting = started(subscription.next())
    subscription.end()
    assert success(waiting) is None
    hub.publish([event(2)], 3)
    assert success(subscription.next()) is None
    assert list(hub) == [subscription]
    subscription.close()
    assert not hub


def test_cancelled_wait() -> None:
    """A reader that left while it waited is forgotten, and disturbs nobody."""
    hub = Hub(Window())
    hub.begin(1)
    subscription, other = hub.subscribe(view("a"), 1), hub.subscribe(view("a"), 1)
    waiting, kept = started(subscription.next()), started(other.next())
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    subscription.close()
    hub.publish([event(2)], 3)
    assert success(kept) == event(2)
