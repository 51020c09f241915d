"""Event: in the shape of events.k8s.io/v1, from documents of that version or of core/v1.

Source: k8s.io/api/events/v1/types.go; the conversion from core/v1 is Kubernetes'
pkg/apis/events/v1/conversion.go.
"""

from kjournal.codec import parse_time_us
from kjournal.kinds.age import human_age
from kjournal.kinds.columns import AGE, NAME, TIME, field, shown
from kjournal.kinds.model import Column, Kind, Row
from kjournal.kinds.shape import INTEGER, MICRO_TIME, OBJECT, TEXT, Field, Struct
from kjournal.kinds.shape import TIME as SECONDS

_REFERENCE = Struct(
    "io.k8s.api.core.v1.ObjectReference",
    "An object, or a part of one.",
    (
        Field("kind", TEXT, "Kind of the object."),
        Field("namespace", TEXT, "Namespace of the object."),
        Field("name", TEXT, "Name of the object."),
        Field("uid", TEXT, "UID of the object."),
        Field("apiVersion", TEXT, "API version of the object."),
        Field("resourceVersion", TEXT, "Version of the object that the event is about."),
        Field("fieldPath", TEXT, "Part of the object, such as spec.containers{web}."),
    ),
)
_SERIES = Struct(
    "io.k8s.api.events.v1.EventSeries",
    "How often an event was observed.",
    (
        Field("count", INTEGER, "Number of occurrences up to the last observed one."),
        Field("lastObservedTime", MICRO_TIME, "When it was last observed."),
    ),
)
_SOURCE = Struct(
    "io.k8s.api.core.v1.EventSource",
    "Where an event comes from.",
    (
        Field("component", TEXT, "Component that reported the event."),
        Field("host", TEXT, "Node that it was reported from."),
    ),
)


def _object(row: Row) -> str:
    regarding = row.object.get("regarding", {})
    return shown(f"{str(regarding.get('kind', '')).lower()}/{regarding.get('name', '')}")


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
    doc="An event of the cluster, kept beyond its hour, in the shape of events.k8s.io/v1.",
    fields=(
        Field("eventTime", MICRO_TIME, "When it was first observed; core/v1 events have none."),
        Field("series", OBJECT, "How often it was observed; absent if once.", struct=_SERIES),
        Field(
            "reportingController",
            TEXT,
            "Controller that reported it, such as kubernetes.io/kubelet.",
            ("reportingController", "reportingComponent"),
        ),
        Field("reportingInstance", TEXT, "Instance of that controller."),
        Field("action", TEXT, "What was done, or failed to be done, with the object."),
        Field("reason", TEXT, "Why, in one CamelCase word, such as BackOff."),
        Field(
            "regarding",
            OBJECT,
            "The object that the event is about.",
            ("regarding", "involvedObject"),
            _REFERENCE,
        ),
        Field("related", OBJECT, "A second object that took part.", struct=_REFERENCE),
        Field("note", TEXT, "The message, for people.", ("note", "message")),
        Field("type", TEXT, "Normal or Warning; there may be others."),
        Field(
            "deprecatedSource",
            OBJECT,
            "Component and host that reported it, in core/v1 events.",
            ("deprecatedSource", "source"),
            _SOURCE,
        ),
        Field(
            "deprecatedFirstTimestamp",
            SECONDS,
            "When it was first seen, in core/v1 events.",
            ("deprecatedFirstTimestamp", "firstTimestamp"),
        ),
        Field(
            "deprecatedLastTimestamp",
            SECONDS,
            "When it was last seen, in core/v1 events.",
            ("deprecatedLastTimestamp", "lastTimestamp"),
        ),
        Field(
            "deprecatedCount",
            INTEGER,
            "How often it was seen, in core/v1 events.",
            ("deprecatedCount", "count"),
        ),
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
