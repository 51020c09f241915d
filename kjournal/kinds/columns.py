"""Cells that several kinds share."""

from typing import Any

from kjournal.codec import dump_json, format_millis
from kjournal.kinds.age import UNKNOWN, human_age
from kjournal.kinds.model import Column, Row
from kjournal.query.paths import ABSENT, lookup, text_of

# A Table is for eyes: a line of 50 KB is cut here, -o json has all of it.
MAX_CELL_CHARS = 1024
MAX_DETAIL_CHARS = 64
# The line as it was written; what stands beside it is the shipper's.
_WHOLE_KEYS = ("log", "MESSAGE")
_MESSAGE_KEYS = ("message", "msg", *_WHOLE_KEYS, "short_message", "event")
_LEVEL_KEYS = ("level", "severity", "lvl")
_SAID_ELSEWHERE = frozenset(
    {*_MESSAGE_KEYS, *_LEVEL_KEYS, "stream", "time", "ts", "timestamp", "@timestamp", "_p", "date"}
)


def field(path: str) -> Any:
    """Return a cell that shows an API path, empty where it is absent."""

    def cell(row: Row) -> str:
        found = lookup(row.object, path)
        return "" if found is ABSENT else shown(found)

    return cell


def shown(value: Any) -> str:
    """Return a value in one bounded text."""
    text = text_of(value)
    if text is None:
        text = dump_json(value).decode() if value is not None else ""
    text = text.rstrip("\r\n")
    return text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - 1] + "…"


def message(row: Row) -> str:
    """Return what a payload says: level, message, and what else is short, as `key=value`.

    A payload without a message is shown whole.
    """
    payload = row.object.get("payload", "")
    if not isinstance(payload, dict):
        return shown(payload)
    said = next((key for key in _MESSAGE_KEYS if _is_text(payload.get(key))), None)
    if said is None:
        return shown(payload)
    level = next((payload[key] for key in _LEVEL_KEYS if _is_text(payload.get(key))), "")
    rest = [
        f"{key}={text}"
        for key, value in payload.items()
        if key not in _SAID_ELSEWHERE and (text := text_of(value)) and len(text) <= MAX_DETAIL_CHARS
    ]
    lead = f"{level} " if level else ""
    details = "" if said in _WHOLE_KEYS or not rest else " " + " ".join(rest)
    return shown(lead + shown(payload[said]) + details)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def age(row: Row) -> str:
    """Return the object's age."""
    return human_age(row.time_us, row.now_us)


def time(row: Row) -> str:
    """Return the event time with milliseconds."""
    return format_millis(row.time_us) if row.time_us else UNKNOWN


NAME = Column(
    name="Name",
    doc="Where the record is found again.",
    cell=field("metadata.name"),
    format="name",
)
AGE = Column(name="Age", doc="Time since the event.", cell=age)
TIME = Column(name="Time", doc="The event time, with milliseconds.", cell=time, wide=True)
MESSAGE = Column(name="Message", doc="What the payload says.", cell=message)
