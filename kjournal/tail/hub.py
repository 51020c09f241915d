"""One tail to many watchers: where each stands, and whom something new wakes."""

from collections.abc import Iterator

import attrs
from twisted.internet.defer import Deferred

from kjournal.errors import Expired
from kjournal.query.predicate import Predicate, predicate_of
from kjournal.query.view import View
from kjournal.tail.window import WatchEvent, Window


@attrs.frozen
class Bookmark:
    """All events of the view up to this resourceVersion were given out."""

    resource_version: int


@attrs.define(eq=False)
class Subscription:
    """One watcher's place in the window; a reader calls next() again and again."""

    view: View
    _hub: "Hub"
    _place: int
    _after: int
    _holds: Predicate
    _wake: Deferred[None] | None = None
    _bookmark_due: bool = False
    _ended: bool = False
    _lost: bool = False

    async def next(self) -> WatchEvent | Bookmark | None:
        """Return the next event of the view, a bookmark that was asked for, or None at the end.

        Raises: Expired if the reader is so slow that events were forgotten, or if the tail began
        after the resourceVersion that the reader came with.
        """
        while not self._ended:
            if self._lost:
                raise Expired(f"too old resource version: {self._after}")
            event = self._advance()
            if event is not None:
                return event
            if self._bookmark_due:
                self._bookmark_due = False
                return Bookmark(max(self._hub.resource_version, self._after))
            self._wake = Deferred()
            self._hub.waiting(self)
            await self._wake
        return None

    def _advance(self) -> WatchEvent | None:
        while (event := self._hub.window.at(self._place)) is not None:
            self._place += 1
            if event.resource_version > self._after and self._holds(event.object, event.time_us):
                return event
        return None

    def ask_bookmark(self) -> None:
        """Have next() give a Bookmark once nothing older is left to give."""
        self._bookmark_due = True
        self.wake()

    def began(self, resource_version: int) -> None:
        """Have next() raise Expired if the reader asked for what came before the tail began."""
        if self._after < resource_version:
            self._lost = True
            self.wake()

    def end(self) -> None:
        """Have next() return None from now on."""
        self._ended = True
        self.wake()

    def wake(self) -> None:
        """Let a waiting reader look again."""
        wake, self._wake = self._wake, None
        if wake is not None and not wake.called:
            wake.callback(None)

    def close(self) -> None:
        """Leave the hub; what the reader waited for is forgotten."""
        self._ended = True
        self._hub.left(self)


@attrs.define(eq=False)
class Hub:
    """All subscriptions of a kind. `resource_version` is the tail's latest."""

    window: Window
    resource_version: int = 0
    _subscriptions: set[Subscription] = attrs.field(factory=set)
    _waiting: dict[str | None, set[Subscription]] = attrs.field(factory=dict)

    def __len__(self) -> int:
        return len(self._subscriptions)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._subscriptions))

    def subscribe(self, view: View, after: int) -> Subscription:
        """Return a subscription to all events of the view above a resourceVersion.

        Raises: Expired if not all of them are known.
        """
        ahead = after > max(self.resource_version, self.window.floor)
        place = self.window.end if ahead else self.window.place_after(after)
        subscription = Subscription(view, self, place, after, predicate_of(view))
        self._subscriptions.add(subscription)
        return subscription

    def waiting(self, subscription: Subscription) -> None:
        """Remember to wake the subscription when something of its namespace is published."""
        self._waiting.setdefault(subscription.view.namespace, set()).add(subscription)

    def left(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        self._subscriptions.discard(subscription)
        namespace = subscription.view.namespace
        there = self._waiting.get(namespace, set())
        there.discard(subscription)
        if not there:
            self._waiting.pop(namespace, None)

    def begin(self, resource_version: int) -> None:
        """Know all events from here on, and none before."""
        self.window.floor = self.resource_version = resource_version
        for subscription in self:
            subscription.began(resource_version)

    def publish(self, events: list[WatchEvent], resource_version: int) -> None:
        """Add events, in the order of their resourceVersions, and wake whom they may concern."""
        for event in events:
            self.window.append(event)
        self.resource_version = resource_version
        touched: set[str | None] = {event.object["metadata"].get("namespace") for event in events}
        for namespace in (touched | {None}) if events else ():
            for subscription in self._waiting.pop(namespace, ()):
                subscription.wake()
