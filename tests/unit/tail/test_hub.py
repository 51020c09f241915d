"""The hub: each event of a view exactly once, in order, or Expired."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from kjournal.errors import Expired
from kjournal.query.model import Operator
from kjournal.query.selectors import Requirement
from kjournal.query.view import View
from kjournal.tail.hub import Bookmark, Hub
from kjournal.tail.window import WatchEvent, Window
from tests.results import pending, started, success

NAMESPACES = ("a", "b")


def event(version: int, namespace: str = "a") -> WatchEvent:
    metadata = {"namespace": namespace, "uid": str(version)}
    return WatchEvent("ADDED", version, {"metadata": metadata}, 0, 1)


def hub_from(version: int, max_events: int = 1000) -> Hub:
    """Return a hub that knows all events above a version."""
    hub = Hub(Window(max_events=max_events), Clock())
    hub.begin(version)
    return hub


def version_of(work: Any) -> int:
    """Return the version of an event that is there."""
    found = success(work)
    assert isinstance(found, WatchEvent)
    return found.resource_version


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
    | st.tuples(st.just("subscribe"), st.sampled_from([None, *NAMESPACES]), st.integers(-9, 0))
    | st.tuples(st.just("read"), st.integers(0, 9), st.integers(1, 3))
    | st.tuples(st.just("close"), st.integers(0, 9)),
    max_size=40,
)


@settings(deadline=None)
@given(actions, st.integers(1, 6))
def test_model(script: list[Any], max_events: int) -> None:  # noqa: C901 - a script's verbs
    """Any interleaving gives each reader the events of its view above `after`, in order, once."""
    hub, published, readers = hub_from(10, max_events), [], []
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
    hub = hub_from(1)
    subscription = hub.subscribe(view("a"), 1)
    waiting = started(subscription.next())
    hub.publish([event(2, "b")], 3)
    pending(waiting)
    hub.publish([event(4, "a")], 5)
    assert version_of(waiting) == 4


@pytest.mark.parametrize("after", [0, 5, 9])
def test_before_the_beginning(after: int) -> None:
    """Who asks for what came before the hub's beginning is told Expired, and is not counted."""
    hub = hub_from(10)
    with pytest.raises(Expired):
        hub.subscribe(view(), after)
    assert len(hub) == 0


def test_bookmark() -> None:
    """A bookmark comes after everything older, with a version that covers it."""
    hub = hub_from(1)
    subscription = hub.subscribe(view("a"), 1)
    hub.publish([event(2), event(3, "b")], 4)
    subscription.ask_bookmark()
    assert version_of(subscription.next()) == 2
    assert success(subscription.next()) == Bookmark(4)
    assert subscription.reached == 4


def test_bookmark_says_something_new_or_nothing() -> None:
    """While nothing is published, none comes: a client sees that its watch lags."""
    hub = hub_from(1)
    subscription = hub.subscribe(view("a"), 1)
    subscription.ask_bookmark()
    assert success(subscription.next()) == Bookmark(1)
    waiting = started(subscription.next())
    subscription.ask_bookmark()
    pending(waiting)
    hub.publish([], 5)
    pending(waiting)
    subscription.ask_bookmark()
    assert success(waiting) == Bookmark(5)


def test_end() -> None:
    """An ended subscription gives None, also to who waits, and events that follow do no harm."""
    hub = hub_from(1)
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
    hub = hub_from(1)
    subscription, other = hub.subscribe(view("a"), 1), hub.subscribe(view("a"), 1)
    waiting, kept = started(subscription.next()), started(other.next())
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    subscription.close()
    hub.publish([event(2)], 3)
    assert version_of(kept) == 2


def test_end_is_where_the_reader_is() -> None:
    """An ended reader has been given all up to `reached`, and nothing above it."""
    hub = hub_from(1)
    subscription = hub.subscribe(view("a"), 1)
    hub.publish([event(2), event(3), event(4, "b")], 5)
    assert version_of(subscription.next()) == 2
    subscription.end()
    assert success(subscription.next()) is None
    assert subscription.reached == 2


def test_a_reader_far_behind_lets_others_run() -> None:
    """Whoever has thousands of events to try, and wants few of them, tries them in slices."""
    hub = hub_from(0, max_events=10_000)
    selector = Requirement("payload", Operator.IN, ("last",))
    subscription = hub.subscribe(View(kind="containerlogs", fields=(selector,)), 0)
    last = event(2501)
    last.object["payload"] = "last"
    hub.publish([*(event(version) for version in range(1, 2501)), last], 2502)
    steps: list[bool] = []
    waiting = started(subscription.next())

    def step() -> None:
        steps.append(waiting.called)
        if len(steps) < 4:
            hub.clock.callLater(0, step)

    hub.clock.callLater(0, step)
    assert isinstance(hub.clock, Clock)
    hub.clock.advance(0)
    assert success(waiting) is last
    assert steps == [False, True, True, True]


def test_a_bookmark_in_the_midst_of_what_is_tried() -> None:
    """It says how far the reader has come, and not further."""
    hub = hub_from(0, max_events=10_000)
    subscription = hub.subscribe(view("b"), 0)
    everywhere = hub.subscribe(
        View(kind="containerlogs", fields=(Requirement("payload", Operator.EXISTS),)), 0
    )
    hub.publish([event(version) for version in range(1, 1501)], 2000)
    for reader in (subscription, everywhere):
        reader.ask_bookmark()
    assert success(subscription.next()) == Bookmark(2000)
    assert success(everywhere.next()) == Bookmark(1000)


def test_many_are_woken_step_by_step() -> None:
    """Ten thousand watchers do not keep the reactor: a hundred are woken at once, all in time."""
    hub = hub_from(1)
    waiting = [started(hub.subscribe(view(), 1).next()) for _ in range(250)]
    hub.publish([event(2)], 3)
    assert sum(one.called for one in waiting) == 100
    hub.publish([event(4)], 5)
    assert sum(one.called for one in waiting) == 100
    assert isinstance(hub.clock, Clock)
    hub.clock.advance(0)
    assert all(version_of(one) == 2 for one in waiting)
    assert hub.clock.getDelayedCalls() == []


def test_left_while_about_to_be_woken() -> None:
    """Readers that leave between two steps do no harm to those who stay."""
    hub = hub_from(1)
    readers = [hub.subscribe(view(), 1) for _ in range(250)]
    waiting = [started(reader.next()) for reader in readers]
    hub.publish([event(2)], 3)
    for reader, one in zip(readers[150:], waiting[150:], strict=True):
        one.addErrback(lambda _: None)
        one.cancel()
        reader.close()
    assert isinstance(hub.clock, Clock)
    hub.clock.advance(0)
    assert all(version_of(one) == 2 for one in waiting[:150])
    assert len(hub) == 150


def test_closing_twice() -> None:
    """A subscription leaves once: the chain of its namespace stays for the others."""
    hub = hub_from(1, max_events=1)
    first, second = hub.subscribe(view("a"), 1), hub.subscribe(view("a"), 1)
    first.close()
    first.close()
    hub.publish([event(2)], 3)
    assert version_of(second.next()) == 2
    hub.publish([event(4, "b")], 5)
    hub.publish([event(6)], 7)
    assert version_of(second.next()) == 6
