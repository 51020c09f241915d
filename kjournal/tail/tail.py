"""The one poller of a kind: it advances a position, and mints resourceVersions as it goes.

It runs while somebody lists or watches, and stops some time after the last one left. Lists and
watches that need the present share its polls.
"""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kjournal.codec import MICROSECONDS
from kjournal.errors import (
    APIError,
    InternalError,
    KjournalError,
    ServiceUnavailable,
    StoreError,
)
from kjournal.kinds.mapping import Mapping
from kjournal.query.model import Batch, Position
from kjournal.query.resource_version import STEP, Mint
from kjournal.query.view import View
from kjournal.store.interfaces import IStore
from kjournal.tail.events import EventMaker
from kjournal.tail.figures import Figures, TailLimits
from kjournal.tail.hub import Hub, Subscription
from kjournal.tail.journal import Checkpoint, Journal
from kjournal.tail.resume import Resumer, Resumption, too_old
from kjournal.tail.state import StateFiles
from kjournal.tail.window import Window

IDLE_S = 15 * 60.0
MAX_BACKOFF_S = 5.0
# A poll that brings nothing makes the next one later, up to so many times the interval.
IDLE_FACTOR = 4.0
_SLOWER = 1.25
# Lists are answered after so long, even where more is written than can be read meanwhile.
DRAIN_S = 5.0
# How long watchers bridge a store that does not answer, before they are ended cleanly.
PATIENCE_S = 30.0


class Tail:
    """Polls one kind's store, and publishes what is new to its hub."""

    _log = Logger()

    def __init__(
        self,
        store: IStore,
        mapping: Mapping,
        clock: IReactorTime,
        *,
        interval_s: float,
        limits: TailLimits,
        state: StateFiles | None = None,
    ) -> None:
        self.hub = Hub(Window(max_bytes=limits.window_bytes), clock)
        self.figures = Figures()
        self.warnings: tuple[str, ...] = ()
        self._store, self._mapping, self._clock = store, mapping, clock
        self._interval_s, self._limits, self._state = interval_s, limits, state
        self._pause_s = interval_s
        self._mint = Mint()
        self._maker = EventMaker(mapping, self._mint, self.hub, self.figures)
        self._position: Position | None = None
        self._journal = Journal(int(limits.resume_window_s * MICROSECONDS))
        self._resumer = Resumer(store, mapping, (self._journal, self._mint), limits, state, clock)
        self._waiters: list[Deferred[Checkpoint]] = []
        self._sleep: IDelayedCall | None = None
        self._run: Deferred[None] | None = None
        self._used_s = 0.0
        self._failures = 0
        self._stopped = False
        self._ending = False

    @property
    def running(self) -> bool:
        """True while it polls."""
        return self._run is not None

    async def checkpoint(self) -> Checkpoint:
        """Return a checkpoint of a poll that began after this call.

        Raises: StoreError if that poll fails, ServiceUnavailable once the tail is stopped.
        """
        _refuse_if(self._stopped)
        waiter: Deferred[Checkpoint] = Deferred(self._waiters_left)
        self._waiters.append(waiter)
        self._use()
        if self._sleep is not None:
            self._sleep.reset(0)
        return await waiter

    def _waiters_left(self, waiter: Deferred[Checkpoint]) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)

    def checkpoint_at(self, resource_version: int) -> Checkpoint:
        """Return the checkpoint of a resourceVersion of this process.

        Raises: Expired if it is none, or too long ago.
        """
        found = self._journal.checkpoint(resource_version)
        if found is None or resource_version < self._resumer.oldest_us():
            raise too_old(resource_version)
        return found

    async def resume(self, view: View, resource_version: int) -> Resumption:
        """Return a subscription to the view's events above a resourceVersion of any process.

        Of this one it is exact while the window reaches back so far. Otherwise nothing is missing
        and some may come again: what another process published within the overlap before.
        Raises: Expired beyond the resume window; StoreError; ServiceUnavailable once stopped.
        """
        _refuse_if(self._ending)
        return await self._resumer.resume(self, view, resource_version)

    @property
    def following(self) -> bool:
        """True once it knows what it begins with, and polls; a new one knows nothing yet."""
        return self.running and self._position is not None

    def subscribe(self, view: View, after: int) -> Subscription:
        """Return a subscription to the view's events above a resourceVersion.

        Raises: Expired if not all of them are known here, ServiceUnavailable once it is stopped.
        """
        _refuse_if(self._ending)
        subscription = self.hub.subscribe(view, after)
        self._use()
        return subscription

    async def stop(self) -> None:
        """End all subscriptions, and the polling for good; returns when neither is left."""
        self._stopped = True
        self.end_watches()
        run = self._run
        if run is not None:
            run.cancel()
            await run

    def end_watches(self) -> None:
        """End all subscriptions, and begin no more; lists go on."""
        self._ending = True
        self._end_subscriptions()

    def _end_subscriptions(self) -> None:
        for subscription in self.hub:
            subscription.end()

    def _use(self) -> None:
        self._used_s = self._clock.seconds()
        if self._run is None:
            self.figures.starts += 1
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
            behind = await self._poll_once()
            if not self._waiters and not behind:
                await self._pause()
        self._forget()

    def _forget(self) -> None:
        """Stop as if never run: what is published from the next start on begins there."""
        self._run = None
        self._position = None
        floor = self._mint.next(self._now_us())
        self.hub.window = Window(max_bytes=self._limits.window_bytes, floor=floor)

    async def _pause(self) -> None:
        delay_s = self._pause_s
        if self._failures:
            delay_s = min(MAX_BACKOFF_S, self._interval_s * 2.0 ** min(self._failures, 10))
        slept: Deferred[None] = Deferred()
        self._sleep = self._clock.callLater(delay_s, slept.callback, None)
        try:
            await slept
        finally:
            sleep, self._sleep = self._sleep, None
            if sleep.active():
                sleep.cancel()

    async def _poll_once(self) -> bool:
        """Poll, and return whether there is more to be had at once."""
        waiters = self._take_waiters()
        try:
            checkpoint, behind = await self._drain()
        except StoreError as error:
            self._failed(error)
            _answer(waiters, error)
            return False
        except BaseException:
            self._waiters = waiters + self._waiters
            raise
        if self.figures.failing_since_s is not None:
            self._log.info("the store of {kind} answers again", kind=self._mapping.kind.plural)
        self._failures, self.figures.failing_since_s = 0, None
        _answer(waiters, checkpoint)
        return behind

    def _failed(self, error: StoreError) -> None:
        self._failures += 1
        now_s = self._clock.seconds()
        if self.figures.failing_since_s is None:
            self.figures.failing_since_s = now_s
            self._log.warn(
                "the store of {kind} does not answer: {error}",
                kind=self._mapping.kind.plural,
                error=str(error),
            )
        elif now_s - self.figures.failing_since_s > PATIENCE_S:
            self._end_subscriptions()

    async def _drain(self) -> tuple[Checkpoint, bool]:
        """Poll until nothing more is to be had at once, or for DRAIN_S, publishing as it goes."""
        begun_s = self._clock.seconds()
        while True:
            started_s = self._clock.seconds()
            batch = await self._store.poll(self._position)
            times = int(started_s * MICROSECONDS), self._now_us()
            checkpoint = await self._publish(batch, times)
            if not batch.more:
                self.figures.caught_up_s = started_s
                return checkpoint, False
            if self._clock.seconds() - begun_s > DRAIN_S:
                return checkpoint, True

    async def _publish(self, batch: Batch, times: tuple[int, int]) -> Checkpoint:
        """Publish what a poll has brought.

        Its numbers are those of its beginning: what was visible then is at or below them, so that
        another process knows by a resourceVersion what a watcher has seen.
        """
        started_us, ended_us = times
        self._tell(batch.warnings)
        figures = self.figures
        figures.polls += 1
        figures.unsettled, figures.inexact = batch.unsettled, batch.inexact
        slower_s = min(self._pause_s * _SLOWER, self._interval_s * IDLE_FACTOR)
        self._pause_s = self._interval_s if batch.records else slower_s
        behind_us = self._known_us(started_us)
        events = await self._maker.events_of(batch.records, behind_us)
        begins = self._position is None
        if batch.position != self._position:  # else one value serves all checkpoints
            self._position = batch.position
        position = self._position or batch.position
        version = self._mint.next(behind_us if batch.more else started_us)
        checkpoint = Checkpoint(version, position)
        if begins:
            self.hub.begin(version)
        first = events[0].resource_version if events else version
        if events and (last := events[-1].resource_version) < version - STEP:
            # What is between was given to nobody.
            self._journal.add(first, Checkpoint(last, position), ended_us)
            first = version
        self._journal.add(first, checkpoint, ended_us)
        if self._state is not None and not batch.more:
            self._state.note(ended_us, lambda: self._store.position_text(position))
        self.hub.publish(events, version)
        return checkpoint

    def _known_us(self, started_us: int) -> int:
        """Return up to when all is known while a batch is being published, or shortly after.

        After a silence of the store, or behind a backlog, a batch has records that were visible
        long before its poll began: whoever has the first of them lacks the others. Half of the
        overlap is left to what the overlap is for.
        """
        caught_up_s = self.figures.caught_up_s
        if caught_up_s is None:
            return started_us
        known_s = caught_up_s + self._limits.resume_overlap_s / 2
        return min(started_us, int(known_s * MICROSECONDS))

    def _tell(self, warnings: tuple[str, ...]) -> None:
        if warnings != self.warnings:
            self.warnings = warnings
            for warning in warnings:
                self._log.warn("{kind}: {warning}", kind=self._mapping.kind.plural, warning=warning)

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


def _refuse_if(stopping: bool) -> None:
    if stopping:
        raise ServiceUnavailable("kjournal is stopping", retry_after_s=1)
