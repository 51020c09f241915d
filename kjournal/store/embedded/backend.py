"""The SQLite file as a backend: kjournal without any other system."""

import os
from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from kjournal.codec import MICROSECONDS
from kjournal.config.model import EmbeddedSettings
from kjournal.errors import StoreError, StoreUnavailable
from kjournal.store.embedded import retention
from kjournal.store.embedded.commits import Answer, Commits, Group
from kjournal.store.embedded.file import StoreFile
from kjournal.store.embedded.ids import AutoIds
from kjournal.store.embedded.lanes import Lane
from kjournal.store.embedded.store import EmbeddedStore
from kjournal.store.embedded.threads import Threads
from kjournal.store.embedded.writer import Writer, last_row
from kjournal.store.interfaces import IBackend, IDocumentSink, NewDocument, Source, Written

TEND_INTERVAL_S = 5.0
REPLACED_KEPT_S = 900.0
"""How long lists may go on that began before a record was replaced."""


@implementer(IBackend, IDocumentSink)
class EmbeddedBackend:
    """One file, one writer, a few readers. Every so often it removes what is too old or too much.

    The file is opened at once. Raises: StoreError if that fails.
    """

    _log = Logger()

    def __init__(self, settings: EmbeddedSettings, reactor: IReactorTime) -> None:
        self._settings = settings
        self._reactor = reactor
        self._file = StoreFile(settings.path)
        self._file.hold()
        self._threads = Threads(self._file, reactor)
        self._writer = Writer(self._file, AutoIds(reactor.seconds, os.urandom), reactor.seconds)
        self._commits = Commits(self._commit)
        self._catching_up = DeferredLock()
        self._live: set[Lane] = set()
        self._stores: list[EmbeddedStore] = []
        self._reached: deque[tuple[float, int]] = deque()
        self._closing = False
        self._tending: Deferred[None] | None = None
        self._timer: IDelayedCall | None = reactor.callLater(TEND_INTERVAL_S, self._begin_tending)

    def open_store(self, source: Source) -> EmbeddedStore:
        """Return the store of one kind."""
        self._writer.know(source)
        store = EmbeddedStore(source, self._threads, self._catch_up)
        self._stores.append(store)
        return store

    async def write(self, documents: Sequence[NewDocument]) -> list[Written]:
        """Store all documents in one transaction, and return when the disk has them."""
        if self._closing:
            raise StoreUnavailable(f"{self._file.name} is closed")
        return await self._commits.add(tuple(documents)) if documents else []

    async def check(self) -> None:
        """Read the file's own table."""
        await self._threads.read(
            lambda connection: connection.execute("SELECT count(*) FROM marks").fetchone()
        )

    async def tend(self) -> None:
        """Catch up, and remove what is too old, too much, or replaced; the timer calls it."""
        for store in self._stores:
            await store.tend()
        writer, seconds = self._writer, self._reactor.seconds()
        before_us = int((seconds - self._settings.max_age_s) * MICROSECONDS)
        replaced = await self._replaced_upto(seconds)
        steps: tuple[Callable[[], int], ...] = (
            lambda: retention.delete_older(writer, before_us),
            lambda: retention.delete_surplus(writer, self._settings.max_bytes),
            lambda: retention.delete_replaced(writer, replaced),
            lambda: retention.delete_lane(writer),
        )
        for step in steps:
            removed = 1
            while removed and not self._closing:
                removed = await self._threads.write(step)

    async def close(self) -> None:
        """Wait for what is being written, stop the threads, and let go of the file."""
        if self._closing:
            return
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._commits.finished()
        if self._tending is not None:
            await self._tending
        try:
            await self._threads.close(self._writer.close)
        finally:
            self._file.let_go()

    async def _commit(self, groups: list[Group]) -> list[Answer]:
        return await self._threads.write(lambda: self._writer.commit(groups))

    async def _catch_up(self, lane: Lane) -> None:
        if lane in self._live:
            return
        await self._catching_up.acquire()
        try:
            while not await self._threads.write(lambda: self._writer.catch_up(lane)):
                if self._closing:
                    raise StoreUnavailable(f"{self._file.name} is closed")
            self._live.add(lane)
        finally:
            self._catching_up.release()

    async def _replaced_upto(self, seconds: float) -> int:
        """Return the row that was the last one REPLACED_KEPT_S ago."""
        self._reached.append((seconds, await self._threads.read(last_row)))
        upto = 0
        while self._reached and self._reached[0][0] <= seconds - REPLACED_KEPT_S:
            upto = self._reached.popleft()[1]
        return upto

    def _begin_tending(self) -> None:
        self._timer = None
        self._tending = Deferred.fromCoroutine(self._tend_and_go_on())
        self._tending.addErrback(lambda failure: self._log.failure("tending the file", failure))

    async def _tend_and_go_on(self) -> None:
        try:
            await self.tend()
        except StoreError as error:
            if not self._closing:
                self._log.warn("tending {file}: {error}", file=self._file.name, error=str(error))
        finally:
            if not self._closing:
                self._timer = self._reactor.callLater(TEND_INTERVAL_S, self._begin_tending)
