"""A watch as its client reads it."""

import http.client
from collections.abc import Callable
from typing import Any

import attrs

from kjournal.codec import load_json

INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@attrs.frozen
class Stream:
    """The stream of watch events of one answer; its end closes the connection."""

    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.response.close()
        self.connection.close()

    def line(self) -> bytes:
        """Return the next line, empty at the end of the stream."""
        return self.response.readline()

    def next(self) -> Any:
        """Return the next event; there must be one."""
        line = self.line()
        assert line.endswith(b"\n"), f"the stream ended: {line!r}"
        return load_json(line)

    def until(self, condition: Callable[[Any], object]) -> list[Any]:
        """Return the events up to the first for which a condition holds."""
        events = [self.next()]
        while not condition(events[-1]):
            events.append(self.next())
        return events

    def rest(self) -> list[Any]:
        """Return the events up to the end of the stream."""
        return [load_json(line) for line in iter(self.line, b"")]


def is_initial_end(event: Any) -> bool:
    """Tell whether an event is the bookmark at the end of the initial events."""
    annotations = _metadata_of(event["object"]).get("annotations", {})
    return bool(event["type"] == "BOOKMARK" and annotations.get(INITIAL_EVENTS_END) == "true")


def is_live(event: Any) -> bool:
    """Tell whether an event is none of bookmarks and errors."""
    return event["type"] in ("ADDED", "MODIFIED", "DELETED")


def types_of(events: list[Any]) -> list[str]:
    """Return the types of events."""
    return [event["type"] for event in events]


def version_of(event: Any) -> int:
    """Return the resourceVersion of an event's object."""
    return int(event["object"]["metadata"]["resourceVersion"])


def _metadata_of(obj: Any) -> dict[str, Any]:
    if obj["kind"] == "Table":
        (row,) = obj["rows"]
        obj = row["object"]
    found: dict[str, Any] = obj["metadata"]
    return found
