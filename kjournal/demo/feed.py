"""Feeds a store from the imaginary cluster: two hours of its past at first, then as it lives."""

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from kjournal.codec import MICROSECONDS
from kjournal.demo.cluster import Cluster
from kjournal.errors import StoreError
from kjournal.store.interfaces import IDocumentSink, NewDocument

_BATCH = 1000
"""Documents of one write, while there is much to write."""
_SLICE = 100
"""Documents made in one go: about 5 ms."""
_TICK_S = 0.25
_BEHIND_S = 60.0
"""Farther behind than this, the cluster has been quiet meanwhile (also when a laptop slept)."""
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 30.0


class DemoFeed(Service):
    """Writes the cluster's documents into a sink, each at its time.

    With `backfill` the cluster began two hours ago. What is written depends on nothing but the
    seed and the clock. While the sink fails, it is tried again, and nothing is left out.
    """

    _log = Logger()

    def __init__(
        self,
        sink: IDocumentSink,
        clock: IReactorTime,
        *,
        seed: int = 1,
        backfill: bool = True,
        backfill_s: float = 7200.0,
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._seed = seed
        self._backfill_s = backfill_s if backfill else 0.0
        self._run: Deferred[None] = succeed(None)

    def startService(self) -> None:
        """Begin to write."""
        super().startService()
        self._run = Deferred.fromCoroutine(self._feed())
        self._run.addErrback(self._ended)

    def stopService(self) -> Deferred[None]:
        """Stop, also in the midst of a write; fires when it has ended."""
        super().stopService()
        self._run.cancel()
        return self._run

    async def _feed(self) -> None:
        cluster = Cluster(self._seed, self._now_us() - int(self._backfill_s * MICROSECONDS))
        while True:
            documents = await self._due(cluster)
            if documents:
                await self._write(documents)
            wait_s = (cluster.next_us - self._now_us()) / MICROSECONDS
            await deferLater(self._clock, max(wait_s, _TICK_S) if wait_s > 0 else 0)

    async def _due(self, cluster: Cluster) -> list[NewDocument]:
        """Return what has happened and is not written yet, a batch at most, made in slices."""
        now_us = self._now_us()
        if now_us - cluster.next_us > _BEHIND_S * MICROSECONDS:
            cluster.stay_quiet(now_us)
        documents: list[NewDocument] = []
        while len(documents) < _BATCH and cluster.next_us <= now_us:
            documents += cluster.advance(now_us, _SLICE)
            await deferLater(self._clock, 0)
        return documents

    async def _write(self, documents: list[NewDocument]) -> None:
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                await self._sink.write(documents)
                return
            except StoreError as error:
                self._log.warn(
                    "{count} demo documents are not stored, next try in {delay_s:g}s: {error}",
                    count=len(documents),
                    delay_s=delay_s,
                    error=str(error),
                )
            await deferLater(self._clock, delay_s)
            delay_s = min(delay_s * 2, _LONGEST_DELAY_S)

    def _now_us(self) -> int:
        return int(self._clock.seconds() * MICROSECONDS)

    def _ended(self, failure: Failure) -> None:
        if failure.check(CancelledError) is None:
            self._log.failure("the demo feed ended", failure)
