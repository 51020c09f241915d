"""The demo feed: two hours at once, then a natural rhythm; it survives its store and can stop."""

from collections.abc import Callable, Sequence

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from kjournal.codec import parse_time_us
from kjournal.demo.feed import DemoFeed
from kjournal.errors import StoreUnavailable
from kjournal.store.interfaces import IDocumentSink, NewDocument, Written
from tests.conftest import LoggedFailures
from tests.results import pending, success

NOW_S = 1_779_000_000.0


@implementer(IDocumentSink)
@attrs.define
class Sink:
    """Keeps what it is given, once it has failed with all `failures`.

    A write waits for `held`, and however that ends, for `ending` too.
    """

    batches: list[list[NewDocument]] = attrs.field(factory=list)
    failures: list[Exception] = attrs.field(factory=list)
    held: Deferred[None] | None = None
    ending: Deferred[None] = attrs.field(factory=lambda: succeed(None))
    calls: int = 0

    @property
    def documents(self) -> list[NewDocument]:
        return [document for batch in self.batches for document in batch]

    async def write(self, documents: Sequence[NewDocument]) -> list[Written]:
        self.calls += 1
        if self.held is not None:
            try:
                await self.held
            finally:
                await self.ending
        if self.failures:
            raise self.failures.pop(0)
        self.batches.append(list(documents))
        return []


class TurnsClock(Clock):
    """Counts how often somebody let the reactor have a turn."""

    turns = 0

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        """Count, and do as a clock does."""
        self.turns += delay == 0
        return super().callLater(delay, callable, *args, **kw)


def clock_at(seconds: float) -> TurnsClock:
    clock = TurnsClock()
    clock.advance(seconds)
    return clock


def settle(clock: Clock) -> None:
    """Let everything happen that is due now."""
    while any(call.getTime() <= clock.seconds() for call in clock.getDelayedCalls()):
        clock.advance(0)


def live(clock: Clock, seconds: float) -> None:
    settle(clock)
    for _ in range(int(seconds * 10)):
        clock.advance(0.1)
        settle(clock)


def started(sink: Sink, clock: Clock, *, seed: int = 1, backfill: bool = True) -> DemoFeed:
    feed = DemoFeed(sink, clock, seed=seed, backfill=backfill)
    feed.startService()
    return feed


def event_time_s(new: NewDocument) -> float:
    time_us = parse_time_us(new.document["@timestamp"])
    assert time_us is not None
    return time_us / 1e6


def test_the_sink_is_one() -> None:
    """The fake keeps the interface."""
    assert verifyObject(IDocumentSink, Sink())


def test_the_past_is_written_at_once_and_in_slices() -> None:
    """A few thousand documents of two hours in a few writes, over many turns of the reactor."""
    clock, sink = clock_at(NOW_S), Sink()
    started(sink, clock)
    settle(clock)
    assert 3000 < len(sink.documents) < 8000
    assert len(sink.batches) < 10
    assert clock.turns > len(sink.documents) / 110
    times = [event_time_s(new) for new in sink.documents]
    assert NOW_S - 7200 <= times[0] < NOW_S - 7100
    assert NOW_S - 100 < times[-1] <= NOW_S


def test_without_backfill_nothing_of_the_past_is_written() -> None:
    """For a store that has the past already."""
    clock, sink = clock_at(NOW_S), Sink()
    started(sink, clock, backfill=False)
    live(clock, 30)
    assert sink.documents
    assert all(event_time_s(new) >= NOW_S for new in sink.documents)


def test_it_lives_on_with_a_few_lines_a_second() -> None:
    """Each document is written within a second of its time, never before it."""
    clock, sink = clock_at(NOW_S), Sink()
    started(sink, clock)
    settle(clock)
    past = len(sink.documents)
    for _ in range(600):
        before = len(sink.documents)
        clock.advance(0.1)
        settle(clock)
        for new in sink.documents[before:]:
            assert clock.seconds() - 1 <= event_time_s(new) <= clock.seconds()
    assert 120 < len(sink.documents) - past < 900


def test_seed_and_clock_decide_everything() -> None:
    """Two feeds of one seed write the same; another seed writes something else."""
    written = []
    for seed in (3, 3, 4):
        clock, sink = clock_at(NOW_S), Sink()
        started(sink, clock, seed=seed)
        live(clock, 20)
        written.append(sink.batches)
    assert written[0] == written[1]
    assert written[0] != written[2]


def test_a_failing_store_is_tried_again_and_nothing_is_left_out() -> None:
    """Its error is survived, with longer pauses each time."""
    clocks, sinks = [clock_at(NOW_S), clock_at(NOW_S)], [Sink(), Sink()]
    sinks[1].failures = [StoreUnavailable("cannot reach the store")] * 4
    for clock, sink in zip(clocks, sinks, strict=True):
        started(sink, clock, backfill=False)
        live(clock, 40)
    assert sinks[1].failures == []
    patient, troubled = sinks[0].documents, sinks[1].documents
    assert len(troubled) > 20
    assert troubled == patient[: len(troubled)]


def test_pauses_grow_to_half_a_minute() -> None:
    """A store that is away for long is not hammered."""
    clock, sink = clock_at(NOW_S), Sink()
    sink.failures = [StoreUnavailable("cannot reach the store")] * 1000
    started(sink, clock)
    live(clock, 31)
    assert sink.calls == 5
    live(clock, 300)
    assert sink.calls == 15


def test_it_stops_while_a_write_is_pending() -> None:
    """The write is cancelled, and nothing is planned any more."""
    clock, sink = clock_at(NOW_S), Sink(held=Deferred())
    feed = started(sink, clock)
    settle(clock)
    assert sink.calls == 1
    success(feed.stopService())
    assert sink.batches == []
    assert clock.getDelayedCalls() == []


def test_stopping_waits_for_a_write_that_ends_in_its_own_time() -> None:
    """A sink may finish what it began before it lets go."""
    clock, sink = clock_at(NOW_S), Sink(held=Deferred(), ending=Deferred())
    feed = started(sink, clock)
    settle(clock)
    stopped = feed.stopService()
    pending(stopped)
    sink.ending.callback(None)
    success(stopped)


def test_it_stops_between_writes_and_starts_again() -> None:
    """A service is started and stopped as often as one likes."""
    clock, sink = clock_at(NOW_S), Sink()
    feed = started(sink, clock, backfill=False)
    live(clock, 5)
    success(feed.stopService())
    assert clock.getDelayedCalls() == []
    count = len(sink.documents)
    feed.startService()
    live(clock, 5)
    assert len(sink.documents) > count
    success(feed.stopService())


def test_a_bug_ends_the_feed_and_is_logged(logged_failures: LoggedFailures) -> None:
    """Anything but a StoreError is ours, and not retried."""
    clock, sink = clock_at(NOW_S), Sink(failures=[RuntimeError("a bug")])
    feed = started(sink, clock)
    settle(clock)
    assert sink.calls == 1
    assert [event["log_failure"].type for event in logged_failures.events] == [RuntimeError]
    logged_failures.clear()
    success(feed.stopService())
