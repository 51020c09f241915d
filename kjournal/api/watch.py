"""The verb watch: what exists if asked for, then what becomes visible, as one stream.

Source: kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes, and
KEP-3157 for initial events.
"""

import random
from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger

from kjournal.api.options import Options
from kjournal.api.reader import ListReader, Placed, checkpoint_from
from kjournal.api.request import APIRequest
from kjournal.api.resource import Resource
from kjournal.api.websocket import EventMessages, handshake_of
from kjournal.api.writer import EventLines, IEventStream, ReaderStalled
from kjournal.encoding.frames import Framer, error_frame
from kjournal.encoding.negotiate import representation_of
from kjournal.encoding.status import api_error_of, status_of
from kjournal.errors import Expired, KjournalError, StoreError, Timeout
from kjournal.tail.hub import Bookmark, Subscription
from kjournal.tail.journal import Checkpoint
from kjournal.tail.resume import CatchUp, Resumption
from kjournal.tail.window import WatchEvent

BOOKMARK_S = 60.0
# A watch without a timeout lives for 1 to 2 times this, as kube-apiserver's min-request-timeout.
MIN_TIMEOUT_S = 1800.0
_LONG_FRAME_BYTES = 64 * 1024

_log = Logger()


async def watch_objects(request: APIRequest, resource: Resource, options: Options) -> None:
    """Answer with a stream of watch events that ends cleanly at its timeout.

    Everything that fails before the stream begins is raised; a resourceVersion that is no longer
    known, or not yet, is an ERROR event inside a stream, as kube-apiserver does it.
    """
    framer = Framer(resource.kind, representation_of(request.accept, "watch"), options.include)
    handshake = handshake_of(request)

    def begun(leaving: Callable[[], None]) -> IEventStream:
        if handshake is None:
            return request.metrics.counted(EventLines(request, resource.clock))
        messages = EventMessages(request, resource.clock, handshake, leaving)
        return request.metrics.counted(messages)

    try:
        stream, last = await _streamed(request, resource, options, (framer, begun))
    except ReaderStalled:
        _log.info("closed a watch of {kind}: its reader stalled", kind=resource.kind.plural)
        resource.tail.figures.slow_closes += 1
        request.cut()
        return
    await stream.finish(last)


async def _streamed(
    request: APIRequest,
    resource: Resource,
    options: Options,
    form: tuple[Framer, Callable[[Callable[[], None]], IEventStream]],
) -> tuple[IEventStream, list[bytes]]:
    """Send all but the last frames, and return these with the stream; nothing is held then.

    Raises: ReaderStalled if the reader takes nothing for too long.
    """
    framer, begun = form
    try:
        resumption, initial = await _beginning(resource, options)
    except (Expired, Timeout) as error:
        return begun(lambda: None), [error_frame(status_of(error))]
    catch_up, subscription = resumption.catch_up, resumption.subscription
    try:
        warnings: tuple[str, ...] = ()
        for begins in (initial, catch_up):
            if begins is not None:
                await begins.begin()
                warnings += begins.warnings
        request.warn((*warnings, *resource.tail.warnings))
        stream = begun(subscription.end)
        try:
            watch = _Watch(resource, options, framer, stream)
            last = await watch.run(resumption, initial, request.metrics.listed)
        except KjournalError as error:
            last = [error_frame(status_of(api_error_of(error, request.audit_id)))]
        return stream, last
    finally:
        subscription.close()
        if initial is not None:
            initial.close()
        if catch_up is not None:
            _release(resource, catch_up)


def _release(resource: Resource, catch_up: CatchUp) -> None:
    """Give up the snapshot of a catch-up, once."""
    snapshot, catch_up.snapshot = catch_up.snapshot, ""
    if snapshot:
        resource.release(snapshot)


async def _beginning(resource: Resource, options: Options) -> tuple[Resumption, "_Initial | None"]:
    version, tail = options.resource_version, resource.tail
    from_state = options.send_initial_events or not (
        version or options.send_initial_events is not None
    )
    if version and not from_state:
        return await tail.resume(options.view, version), None
    checkpoint = await checkpoint_from(resource, version or 0)
    subscription = tail.subscribe(options.view, checkpoint.resource_version)
    initial = _Initial(resource, options, checkpoint) if from_state else None
    return Resumption(subscription), initial


class _Initial:
    """What exists when a watch begins, slice after slice; the first is read before any header."""

    def __init__(self, resource: Resource, options: Options, checkpoint: Checkpoint) -> None:
        self.resource_version = checkpoint.resource_version
        self.warnings: tuple[str, ...] = ()
        query = resource.query(options.view, options.now_us)
        self._reader = ListReader(
            resource,
            (options.view, query),
            checkpoint.resource_version,
            at=checkpoint.position,
        )
        self._next: list[Placed] | None = None

    async def begin(self) -> None:
        """Read the first slice. Raises: StoreError."""
        self._next = await self._reader.next_slice()
        self.warnings = self._reader.warnings

    async def next_slice(self) -> list[Placed] | None:
        """Return the next slice, or None at the end. Raises: StoreError."""
        found, self._next = self._next, None
        return await self._reader.next_slice() if found is None else found

    def close(self) -> None:
        """Give up the snapshot."""
        self._reader.release()


class _Watch:
    """One watch in progress: its stream and its timers."""

    def __init__(
        self, resource: Resource, options: Options, framer: Framer, stream: IEventStream
    ) -> None:
        self._resource, self._options = resource, options
        self._framer, self._stream = framer, stream
        self._timers: dict[str, IDelayedCall] = {}

    async def run(
        self, resumption: Resumption, initial: _Initial | None, listed: Callable[[], object]
    ) -> list[bytes]:
        """Send initial or missed events and then live ones, until the timeout or an end.

        `listed` is called after the bookmark that says that all initial events were sent.
        Returns: the frames that are still to be sent.
        """
        subscription = resumption.subscription
        self._start_timers(subscription)
        try:
            if await self._write_before(resumption, initial, listed):
                return await self._follow(subscription)
            return []
        finally:
            for timer in self._timers.values():
                if timer.active():
                    timer.cancel()

    async def _write_before(
        self, resumption: Resumption, initial: _Initial | None, listed: Callable[[], object]
    ) -> bool:
        """Write what comes before live events, and return whether that was all of it.

        The timeout, or a stop of kjournal, ends it in the middle.
        """
        subscription, catch_up = resumption.subscription, resumption.catch_up
        if initial is not None:
            done = await self._write_initial(initial, subscription, listed)
            initial.close()  # the stream may live for an hour
            return done
        return catch_up is None or await self._write_missed(catch_up, subscription)

    async def _follow(self, subscription: Subscription) -> list[bytes]:
        """Write live events, and return a last bookmark.

        Whoever comes back for more goes on where this stream ended.
        """
        try:
            while (event := await subscription.next()) is not None:
                await self._stream.send([self._frame_of(event)])
        except Expired:
            self._resource.tail.figures.slow_closes += 1
        if self._options.bookmarks and subscription.reached:
            return [self._framer.bookmark(subscription.reached)]
        return []

    async def _write_missed(self, catch_up: CatchUp, subscription: Subscription) -> bool:
        """Write what was missed, and return whether that is all.

        After what the store fails at the client comes back, with a number that begins it again.
        """
        try:
            while (events := await catch_up.next_slice()) is not None:
                await self._send_in_turns(map(self._frame_of, events))
                if subscription.ended:
                    return False
        except StoreError as error:
            _log.info("ended a watch of {kind}: {e}", kind=self._framer.kind.plural, e=str(error))
            return False
        _release(self._resource, catch_up)
        return True

    def _start_timers(self, subscription: Subscription) -> None:
        clock = self._resource.clock
        jitter = 1.0 + random.random()  # noqa: S311 - spreads reconnects, guards nothing
        timeout_s = self._options.timeout_s or MIN_TIMEOUT_S * jitter
        self._timers["end"] = clock.callLater(timeout_s, subscription.end)
        if self._options.bookmarks:

            def bookmark() -> None:
                subscription.ask_bookmark()
                self._timers["bookmark"] = clock.callLater(BOOKMARK_S, bookmark)

            self._timers["bookmark"] = clock.callLater(BOOKMARK_S, bookmark)

    async def _write_initial(
        self, initial: _Initial, subscription: Subscription, listed: Callable[[], object]
    ) -> bool:
        now_us = self._resource.now_us()
        while (slice_ := await initial.next_slice()) is not None:
            await self._send_in_turns(
                self._framer.frame("ADDED", *placed, now_us) for placed in slice_
            )
            if subscription.ended:
                return False
        if self._options.bookmarks and self._options.send_initial_events:
            frame = self._framer.bookmark(initial.resource_version, initial_end=True)
            await self._stream.send([frame])
            listed()
        return True

    async def _send_in_turns(self, frames: Iterable[bytes]) -> None:
        """Send frames, and let others run after each that is long: making one takes its time."""
        short: list[bytes] = []
        for frame in frames:
            short.append(frame)
            if len(frame) > _LONG_FRAME_BYTES:
                await self._stream.send(short)
                short = []
                await deferLater(self._resource.clock, 0)
        await self._stream.send(short)

    def _frame_of(self, event: WatchEvent | Bookmark) -> bytes:
        if isinstance(event, Bookmark):
            return self._framer.bookmark(event.resource_version)
        frame = event.frames.get(self._framer)
        if frame is None:
            now_us = self._resource.now_us()
            frame = self._framer.frame(event.type, event.object, event.time_us, now_us)
            event.frames[self._framer] = frame
            self._resource.tail.hub.window.grew(event, len(frame))
        return frame
