"""One tail to many watchers: where each stands, and whom something new wakes."""

from collections import deque
from collections.abc import Iterator

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from kjournal.query.predicate import Predicate, predicate_of
from kjournal.query.view import View
from kjournal.tail.window import Chain, WatchEvent, Window

# So many events are tried, and so many watchers woken, in one step on the reactor.
_TRIED = 1000
_WOKEN = 100


@attrs.frozen
class Bookmark:
    """All events of the view up to this resourceVersion were given out."""

    resource_version: int


@attrs.define(eq=False)
class Subscription:
    """One watcher's place in the window; a reader calls next() again and again.

    `reached` is the resourceVersion up to which everything of the view was given out.
    """

    view: View
    reached: int
    _hub: "Hub"
    _chain: Chain
    _place: int
    _holds: Predicate
    _wake: Deferred[None] | None = None
    _bookmark_due: bool = False
    _ended: bool = False
    _closed: bool = False
    _bookmarked: int = 0

    async def next(self) -> WatchEvent | Bookmark | None:
        """Return the next event of the view, a bookmark that was asked for, or None at the end.

        A bookmark that would say nothing new is left out: none comes while the store is silent.
        Raises: Expired if the reader is so slow that events were forgotten.
        """
        while not self._ended:
            tried = 0
            while (event := self._chain.at(self._place)) is not None:
                self._place += 1
                self.reached = event.resource_version
                shown = self._shown(event)
                if shown is not None:
                    return shown
                tried += 1
                if tried == _TRIED:
                    break
            else:
                self.reached = max(self.reached, self._hub.resource_version)
            if self._bookmark_due:
                self._bookmark_due = False
                if self.reached > self._bookmarked:
                    self._bookmarked = self.reached
                    return Bookmark(self.reached)
            if event is not None:
                await deferLater(self._hub.clock, 0)
                continue
            self._wake = Deferred()
            self._hub.waiting(self)
            await self._wake
        return None

    def _shown(self, event: WatchEvent) -> WatchEvent | None:
        """Return an event as it is for this view, or None."""
        if event.type == "ADDED":
            return event if self._holds(event.object, event.time_us) else None
        was = event.previous is not None and self._holds(*event.previous)
        if event.type == "DELETED":
            return event.variant("DELETED") if was else None
        if self._holds(event.object, event.time_us):
            return event if was or event.previous is None else event.variant("ADDED")
        if was:
            return event.variant("DELETED")
        if event.previous is None and self._may_have_held(event):
            return event.variant("DELETED")
        return None

    def _may_have_held(self, event: WatchEvent) -> bool:
        """Whether the reader may hold an object that was changed, and does not match any more.

        It had another label or field then, as a view without selectors matches all objects of its
        namespace. To take away what a reader does not hold does no harm; only what it may see is
        shown: an object of its own namespace.
        """
        view = self.view
        if view.name not in (None, event.object["metadata"]["name"]):
            return False
        return view.namespace in (None, event.object["metadata"].get("namespace"))

    @property
    def ended(self) -> bool:
        """Whether next() gives nothing any more."""
        return self._ended

    def ask_bookmark(self) -> None:
        """Have next() give a Bookmark once nothing older is left to give."""
        self._bookmark_due = True
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
        if not self._closed:
            self._closed = True
            self._hub.left(self, self._chain)


@attrs.define(eq=False)
class Hub:
    """All subscriptions of a kind. `resource_version` is the tail's latest."""

    window: Window
    clock: IReactorTime
    resource_version: int = 0
    _subscriptions: set[Subscription] = attrs.field(factory=set)
    _waiting: dict[str | None, set[Subscription]] = attrs.field(factory=dict)
    _due: deque[Subscription] = attrs.field(factory=deque)

    def __len__(self) -> int:
        return len(self._subscriptions)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._subscriptions))

    def subscribe(self, view: View, after: int) -> Subscription:
        """Return a subscription to all events of the view above a resourceVersion.

        Raises: Expired if not all of them are known.
        """
        self.window.check_known(after)
        chain = self.window.chain(view.namespace)
        place = chain.place_after(after)
        subscription = Subscription(view, after, self, chain, place, predicate_of(view))
        self._subscriptions.add(subscription)
        return subscription

    def waiting(self, subscription: Subscription) -> None:
        """Remember to wake the subscription when something of its namespace is published."""
        self._waiting.setdefault(subscription.view.namespace, set()).add(subscription)

    def left(self, subscription: Subscription, chain: Chain) -> None:
        """Forget a subscription."""
        self._subscriptions.discard(subscription)
        namespace = subscription.view.namespace
        there = self._waiting.get(namespace, set())
        there.discard(subscription)
        if not there:
            self._waiting.pop(namespace, None)
        self.window.left(namespace, chain)

    def begin(self, resource_version: int) -> None:
        """Know all events from here on, and none before."""
        self.window.floor = self.resource_version = resource_version

    def publish(self, events: list[WatchEvent], resource_version: int) -> None:
        """Add events, in the order of their resourceVersions, and wake whom they may concern."""
        touched: set[str | None] = {None} if events else set()
        for event in events:
            self.window.append(event)
            touched |= event.namespaces
        self.resource_version = resource_version
        idle = not self._due
        for namespace in touched:
            self._due.extend(self._waiting.pop(namespace, ()))
        if idle and self._due:
            self._wake_due()

    def _wake_due(self) -> None:
        """Wake some; all of ten thousand at once would keep everybody else waiting."""
        for _ in range(min(_WOKEN, len(self._due))):
            self._due.popleft().wake()
        if self._due:
            self.clock.callLater(0, self._wake_due)
