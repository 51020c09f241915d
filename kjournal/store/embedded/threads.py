"""The store's own threads: one that writes, and a few that read."""

import sqlite3
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import Any, Protocol, TypeVar

import attrs
from twisted.internet.defer import CancelledError, DeferredSemaphore
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from kjournal.errors import StoreError, StoreTimeout, StoreUnavailable
from kjournal.store.embedded.file import StoreFile

T = TypeVar("T")

READERS = 4
_LIST_READERS = READERS - 1  # so that a poll never waits behind lists
READ_DEADLINE_S = 30.0
_CLOSING_S = 1.0
_LOOK_S = 0.02
_STEPS_BETWEEN_LOOKS = 20_000  # of SQLite's virtual machine: about a millisecond


class _Clock(Protocol):
    def seconds(self) -> float: ...


@attrs.define(eq=False)
class _Reading:
    """One piece of work on a reader thread, which looks here now and then whether to go on."""

    clock: _Clock
    deadline_s: float
    cancelled: bool = False

    def is_over(self) -> bool:
        return self.cancelled or self.clock.seconds() > self.deadline_s


class Threads:
    """Runs work off the reactor. Work on the writer's thread is done in the order of asking."""

    def __init__(self, file: StoreFile, reactor: IReactorTime) -> None:
        self._file = file
        self._clock = reactor
        self._reactor = IReactorFromThreads(reactor)
        self._writers = _pool(1, "kjournal-writer")
        self._readers = _pool(READERS, "kjournal-reader")
        self._lists = DeferredSemaphore(_LIST_READERS)
        self._idle: deque[sqlite3.Connection] = deque()
        self._readings: set[_Reading] = set()
        self._running = False
        self._closed = False

    async def write(self, work: Callable[[], T]) -> T:
        """Return what `work` returned on the writer's thread. Work that began ends, come what may.

        Raises: what `work` raised; StoreUnavailable after `close`.
        """
        self._start()
        return await deferToThreadPool(self._reactor, self._writers, work)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` returned on a reader's thread, within one transaction.

        Cancelling stops it soon.
        Raises: what `work` raised, StoreTimeout after READ_DEADLINE_S.
        """
        self._start()
        reading = _Reading(self._clock, self._clock.seconds() + READ_DEADLINE_S)
        self._readings.add(reading)
        try:
            return await deferToThreadPool(self._reactor, self._readers, self._read, reading, work)
        except CancelledError:
            reading.cancelled = True
            raise
        finally:
            self._readings.discard(reading)

    async def read_list(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do as `read` does, leaving a thread free for what is quick."""
        await self._lists.acquire()
        try:
            return await self.read(work)
        finally:
            self._lists.release()

    async def close(self, last: Callable[[], None]) -> None:
        """Do `last` on the writer's thread after all its work, and stop; no work begins any more.

        A long reading is cut short.
        """
        self._closed = True
        for reading in self._readings:
            reading.deadline_s = min(reading.deadline_s, self._clock.seconds() + _CLOSING_S)
        if not self._running:
            return
        try:
            await deferToThreadPool(self._reactor, self._writers, last)
            while self._readings:
                await deferLater(self._clock, _LOOK_S)
        finally:
            self._readers.stop()
            self._writers.stop()
            while self._idle:
                self._idle.pop().close()

    def _start(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"{self._file.name} is closed")
        if not self._running:
            self._running = True
            self._readers.start()
            self._writers.start()

    def _read(self, reading: _Reading, work: Callable[[sqlite3.Connection], T]) -> T:
        if reading.is_over():
            raise StoreTimeout(f"{self._file.name} has too much to read")
        with self._file.errors():
            connection = self._connection()
            try:
                connection.set_progress_handler(reading.is_over, _STEPS_BETWEEN_LOOKS)
                connection.execute("BEGIN")
                answer = work(connection)
                connection.execute("COMMIT")
            except StoreError:
                connection.execute("ROLLBACK")
                self._idle.append(connection)
                raise
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)
            return answer

    def _connection(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self._file.connect(reads_only=True)


class _Daemon(Thread):
    """A thread that the interpreter does not wait for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(daemon=True, **options)


def _pool(most: int, name: str) -> ThreadPool:
    """Return a pool whose threads do not outlive the interpreter.

    What was answered is on the disk already; a process that ends by an error must not wait for a
    thread that waits for work.
    """
    pool = ThreadPool(0, most, name)
    pool.threadFactory = _Daemon  # type: ignore[assignment]  # any maker of threads will do
    return pool
