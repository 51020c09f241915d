"""Event: in the shape of events.k8s.io/v1, from documents of that version or of core/v1.

Source: k8s.io/api/events/v1/types.go; the conversion from core/v1 is Kubernetes'
pkg/apis/events/v1/conversion.go.
"""

from kjournal.codec import parse_time_us
from kjournal.kinds.age import human_age
from kjournal.kinds.columns import AGE, NAME, TIME, field
from kjournal.kinds.model import Column, Kind, Row
from kjournal.kinds.shape import INTEGER, MICRO_TIME, OBJECT, TEXT, Field
from kjournal.kinds.shape import TIME as SECONDS

_REFERENCE = tuple(
    Field(name, TEXT, doc)
    for name, doc in (
        ("kind", "Kind of the object."),
        ("namespace", "Namespace of the object."),
        ("name", "Name of the object."),
        ("uid", "UID of the object."),
        ("apiVersion", "API version of the object."),
        ("resourceVersion", "Version of the object that the event is about."),
        ("fieldPath", "Part of the object."),
    )
)


def _object(row: Row) -> str:
    regarding = row.object.get("regarding", {})
    return f"{str(regarding.get('kind', '')).lower()}/{regarding.get('name', '')}"


def _last_seen(row: Row) -> str:
    series = row.object.get("series", {})
    seen = series.get("lastObservedTime") or row.object.get("deprecatedLastTimestamp")
    return human_age(parse_time_us(seen) or row.time_us, row.now_us)


def _count(row: Row) -> int:
    series = row.object.get("series", {})
    return int(series.get("count") or row.object.get("deprecatedCount") or 1)


EVENTS = Kind(
    kind="Event",
    plural="events",
    singular="event",
    namespaced=True,
    doc="A cluster event, kept beyond its hour.",
    fields=(
        Field("eventTime", MICRO_TIME, "When it was first observed."),
        Field(
            "series",
            OBJECT,
            "How often it was observed.",
            fields=(
                Field("count", INTEGER, "Number of occurrences."),
                Field("lastObservedTime", MICRO_TIME, "When it was last observed."),
            ),
        ),
        Field(
            "reportingController",
            TEXT,
            "Controller that reported it.",
            ("reportingController", "reportingComponent"),
        ),
        Field("reportingInstance", TEXT, "Instance of that controller."),
        Field("action", TEXT, "What was done or failed."),
        Field("reason", TEXT, "Why it was done."),
        Field(
            "regarding",
            OBJECT,
            "The object that the event is about.",
            ("regarding", "involvedObject"),
            _REFERENCE,
        ),
        Field("related", OBJECT, "A second object.", fields=_REFERENCE),
        Field("note", TEXT, "The message.", ("note", "message")),
        Field("type", TEXT, "Normal or Warning."),
        Field(
            "deprecatedSource",
            OBJECT,
            "Component and host that reported it.",
            ("deprecatedSource", "source"),
            (Field("component", TEXT, "Component."), Field("host", TEXT, "Node name.")),
        ),
        Field(
            "deprecatedFirstTimestamp",
            SECONDS,
            "When it was first seen.",
            ("deprecatedFirstTimestamp", "firstTimestamp"),
        ),
        Field(
            "deprecatedLastTimestamp",
            SECONDS,
            "When it was last seen.",
            ("deprecatedLastTimestamp", "lastTimestamp"),
        ),
        Field("deprecatedCount", INTEGER, "How often it was seen.", ("deprecatedCount", "count")),
    ),
    columns=(
        Column(name="Last Seen", doc="Time since it was last observed.", cell=_last_seen),
        Column(name="Type", doc="Normal or Warning.", cell=field("type")),
        Column(name="Reason", doc="Why.", cell=field("reason")),
        Column(name="Object", doc="Kind and name of the object.", cell=_object),
        Column(name="Message", doc="The message.", cell=field("note")),
        Column(
            name="Count", doc="How often.", cell=_count, type="integer", format="int32", wide=True
        ),
        Column(name="Source", doc="Who reported it.", cell=field("reportingController"), wide=True),
        Column(name=NAME.name, doc=NAME.doc, cell=NAME.cell, format=NAME.format, wide=True),
        Column(name=AGE.name, doc=AGE.doc, cell=AGE.cell, wide=True),
        TIME,
    ),
)
