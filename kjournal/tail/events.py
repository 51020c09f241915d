"""Records as the events of a kind's watchers."""

from twisted.internet.task import deferLater

from kjournal.codec import dump_json
from kjournal.kinds.mapping import Mapping
from kjournal.kinds.meta import uid_of
from kjournal.query.model import Record
from kjournal.query.resource_version import Mint
from kjournal.tail.figures import Figures
from kjournal.tail.hub import Hub
from kjournal.tail.window import WatchEvent

# Mapping and encoding of so many records takes less than 20 ms, the longest step on the reactor.
SLICE = 250
# What an event weighs beyond its document: the object's own fields, and the event.
_OBJECT_BYTES = 2000
# Python's dicts and texts weigh so many times their JSON: 4 in flat documents, 12 in nested ones.
_WEIGHT = 8


class EventMaker:
    """Maps each new record once, and says what it is to whom knew the object before."""

    def __init__(self, mapping: Mapping, mint: Mint, hub: Hub, figures: Figures) -> None:
        self._mapping, self._mint, self._hub, self._figures = mapping, mint, hub, figures

    async def events_of(self, records: list[Record], started_us: int) -> list[WatchEvent]:
        """Return events, of which none is published before all are made."""
        events: dict[str, WatchEvent] = {}
        made = []
        for at, record in enumerate(records):
            if at and at % SLICE == 0:
                await deferLater(self._hub.clock, 0)
            uid = uid_of(record.index, record.id)
            event = self._event_of(
                record, started_us, events.get(uid) or self._hub.window.latest(uid)
            )
            if event is not None:
                events[uid] = event
                made.append(event)
        return made

    def _event_of(
        self, record: Record, started_us: int, latest: WatchEvent | None
    ) -> WatchEvent | None:
        """Return the event of a record; `latest` is what was last published of it."""
        version = self._mint.next(started_us)
        obj = self._mapping.object_of(record, version)
        previous = None
        if latest is not None and latest.type != "DELETED":
            previous = latest.object, latest.time_us
        size = len(dump_json(record.document)) * _WEIGHT + _OBJECT_BYTES
        if obj is None:
            self._figures.unplaced += 1
            if previous is None:
                return None
            # It was somebody's, and now is nobody's.
            return WatchEvent("DELETED", version, previous[0], previous[1], size, previous)
        gone = latest is not None and previous is None
        kind = "MODIFIED" if previous or (record.updated and not gone) else "ADDED"
        return WatchEvent(kind, version, obj, record.time_us, size, previous)
