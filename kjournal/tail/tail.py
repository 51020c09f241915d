"""The one poller of a kind: it advances a position, and mints resourceVersions as it goes.

It runs while somebody lists or watches, and stops some time after the last one left. Lists and
watches that need the present share its polls.
"""

from collections import OrderedDict

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from kjournal.codec import MICROSECONDS, dump_json
from kjournal.errors import (
    APIError,
    Expired,
    InternalError,
    KjournalError,
    ServiceUnavailable,
    StoreError,
)
from kjournal.kinds.mapping import Mapping
from kjournal.query.model import Position, Record
from kjournal.query.resource_version import Mint
from kjournal.query.view import View
from kjournal.store.interfaces import IStore
from kjournal.tail.hub import Hub, Subscription
from kjournal.tail.window import WatchEvent, Window

# Lists go on for so long at the checkpoint that they began at: longer than continue tokens live.
CHECKPOINT_AGE_S = 15 * 60.0
MAX_CHECKPOINTS = 10_000
IDLE_S = 15 * 60.0
# So many records are mapped in one step on the reactor.
SLICE = 250
MAX_BACKOFF_S = 5.0
# How long watchers bridge a store that does not answer, before they are ended cleanly.
PATIENCE_S = 30.0


@attrs.frozen
class Checkpoint:
    """What a resourceVersion means for the store: everything up to it, and nothing after."""

    resource_version: int
    position: Position


class Tail:
    """Polls one kind's store, and publishes what is new to its hub."""

    _log = Logger()

    def __init__(
        self, store: IStore, mapping: Mapping, clock: IReactorTime, *, interval_s: float
    ) -> None:
        self.hub = Hub(Window())
        self.unplaced = 0
        self.warnings: tuple[str, ...] = ()
        self.failing_since_s: float | None = None
        self._store, self._mapping, self._clock = store, mapping, clock
        self._interval_s = interval_s
        self._mint = Mint()
        self._position: Position | None = None
        self._checkpoints: OrderedDict[int, tuple[float, Position]] = OrderedDict()
        self._waiters: list[Deferred[Checkpoint]] = []
        self._sleep: IDelayedCall | None = None
        self._run: Deferred[None] | None = None
        self._used_s = 0.0
        self._failures = 0
        self._stopped = False

    @property
    def running(self) -> bool:
        """True while it polls."""
        return self._run is not None

    async def checkpoint(self) -> Checkpoint:
        """Return a checkpoint of a poll that began after this call.

        Raises: StoreError if that poll fails, ServiceUnavailable once the tail is stopped.
        """
        self._refuse_if_stopped()
        waiter: Deferred[Checkpoint] = Deferred(self._waiters_left)
        self._waiters.append(waiter)
        self._use()
        if self._sleep is not None:
            self._sleep.reset(0)
        return await waiter

    def _waiters_left(self, waiter: Deferred[Checkpoint]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def position_at(self, resource_version: int) -> Position:
        """Return the position of a checkpoint that a list began at.

        Raises: Expired if it is too long ago, or was another process's.
        """
        known = self._checkpoints.get(resource_version)
        if known is None:
            raise Expired("The provided continue parameter is too old to go on with; list again")
        return known[1]

    def subscribe(self, view: View, after: int) -> Subscription:
        """Return a subscription to the view's events above a resourceVersion.

        Raises: Expired if not all of them are known here, ServiceUnavailable once it is stopped.
        """
        self._refuse_if_stopped()
        subscription = self.hub.subscribe(view, after)
        self._use()
        return subscription

    async def stop(self) -> None:
        """End all subscriptions, and the polling for good; returns when neither is left."""
        self._stopped = True
        self._end_subscriptions()
        run = self._run
        if run is not None:
            run.cancel()
            await run

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise ServiceUnavailable("kjournal is stopping", retry_after_s=1)

    def _end_subscriptions(self) -> None:
        for subscription in self.hub:
            subscription.end()

    def _use(self) -> None:
        self._used_s = self._clock.seconds()
        if self._run is None:
            run = self._run = Deferred.fromCoroutine(self._poll_while_used())
            run.addErrback(self._broke)
            if run.called:
                self._run = None

    def _broke(self, failure: Failure) -> None:
        self._run = None
        error: APIError = ServiceUnavailable("kjournal is stopping", retry_after_s=1)
        if not failure.check(CancelledError):
            self._log.failure("the tail of {kind} broke", failure, kind=self._mapping.kind.plural)
            error = InternalError("the tail broke; the log of kjournal says more")
        # Nobody polls for them now; whoever comes back starts the tail again, where it was.
        self._end_subscriptions()
        _answer(self._take_waiters(), error)

    def _take_waiters(self) -> list[Deferred[Checkpoint]]:
        waiters, self._waiters = self._waiters, []
        return waiters

    async def _poll_while_used(self) -> None:
        while self._waiters or self.hub or self._clock.seconds() - self._used_s < IDLE_S:
            if self.hub:
                self._used_s = self._clock.seconds()
            await self._poll_once()
            if not self._waiters:
                await self._pause()
        self._forget()

    def _forget(self) -> None:
        """Stop as if never run: what follows is not known, so nothing older can be resumed."""
        self._run = None
        self._position = None
        self._checkpoints.clear()
        self.hub.window = Window(floor=self._mint.next(self._now_us()))

    async def _pause(self) -> None:
        delay_s = self._interval_s
        if self._failures:
            delay_s = min(MAX_BACKOFF_S, self._interval_s * 2.0**self._failures)
        slept: Deferred[None] = Deferred()
        self._sleep = self._clock.callLater(delay_s, slept.callback, None)
        try:
            await slept
        finally:
            sleep, self._sleep = self._sleep, None
            if sleep.active():
                sleep.cancel()

    async def _poll_once(self) -> None:
        waiters = self._take_waiters()
        try:
            checkpoint = await self._drain()
        except StoreError as error:
            self._failed(error)
            _answer(waiters, error)
            return
        except BaseException:
            self._waiters = waiters + self._waiters
            raise
        self._failures, self.failing_since_s = 0, None
        if waiters:
            self._remember(checkpoint)
        _answer(waiters, checkpoint)

    def _failed(self, error: StoreError) -> None:
        self._failures += 1
        now_s = self._clock.seconds()
        if self.failing_since_s is None:
            self.failing_since_s = now_s
            self._log.warn(
                "the store of {kind} does not answer: {error}",
                kind=self._mapping.kind.plural,
                error=str(error),
            )
        if now_s - self.failing_since_s > PATIENCE_S:
            self._end_subscriptions()

    async def _drain(self) -> Checkpoint:
        """Poll until nothing more is to be had at once, publishing as it goes."""
        more = True
        while more:
            first = self._position is None
            batch = await self._store.poll(self._position)
            self._tell(batch.warnings)
            events = await self._events_of(batch.records)
            if batch.position != self._position:  # else one value serves all checkpoints
                self._position = batch.position
            more = batch.more
            version = self._mint.next(self._now_us())
            if first:
                self.hub.begin(version)
            self.hub.publish(events, version)
        return Checkpoint(version, self._position or batch.position)

    def _tell(self, warnings: tuple[str, ...]) -> None:
        if warnings != self.warnings:
            self.warnings = warnings
            for warning in warnings:
                self._log.warn("{kind}: {warning}", kind=self._mapping.kind.plural, warning=warning)

    async def _events_of(self, records: list[Record]) -> list[WatchEvent]:
        """Return events, of which none is published before all are made."""
        events = []
        for at, record in enumerate(records):
            if at and at % SLICE == 0:
                await deferLater(self._clock, 0, lambda: None)
            event = self._event_of(record)
            if event is not None:
                events.append(event)
        return events

    def _event_of(self, record: Record) -> WatchEvent | None:
        version = self._mint.next(self._now_us())
        obj = self._mapping.object_of(record, version)
        if obj is None:
            self.unplaced += 1
            return None
        size = len(dump_json(record.document))
        kind = "MODIFIED" if record.updated else "ADDED"
        return WatchEvent(kind, version, obj, record.time_us, size)

    def _remember(self, checkpoint: Checkpoint) -> None:
        now_s = self._clock.seconds()
        self._checkpoints[checkpoint.resource_version] = (now_s, checkpoint.position)
        while (
            len(self._checkpoints) > MAX_CHECKPOINTS
            or now_s - next(iter(self._checkpoints.values()))[0] > CHECKPOINT_AGE_S
        ):
            self._checkpoints.popitem(last=False)

    def _now_us(self) -> int:
        return int(self._clock.seconds() * MICROSECONDS)


def _answer(waiters: list[Deferred[Checkpoint]], answer: Checkpoint | KjournalError) -> None:
    for waiter in waiters:
        # A client that left meanwhile has cancelled its own.
        if waiter.called:
            continue
        if isinstance(answer, Checkpoint):
            waiter.callback(answer)
        else:
            waiter.errback(answer)
