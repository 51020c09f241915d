"""Events of the imaginary cluster, in the shape of core/v1 and in that of events.k8s.io/v1."""

from random import Random
from typing import Any

import attrs

from kjournal.codec import format_micros, format_seconds
from kjournal.demo.documents import indexed
from kjournal.demo.names import uid
from kjournal.store.interfaces import NewDocument

SCHEDULER = "default-scheduler"


@attrs.frozen(kw_only=True)
class Happening:
    """What an Event tells; seen again, it has the same name and uid, and a higher count."""

    reason: str
    message: str
    regarding: dict[str, str]
    component: str
    name: str
    uid: str
    first_us: int
    last_us: int
    host: str = ""
    warning: bool = False
    count: int = 1

    def again(self, time_us: int) -> "Happening":
        """Return the same seen once more."""
        return attrs.evolve(self, last_us=time_us, count=self.count + 1)


def happening(
    rng: Random, time_us: int, regarding: dict[str, str], reason: str, message: str, **more: Any
) -> Happening:
    """Return something that happens for the first time.

    Source of the name's form: k8s.io/client-go/tools/record.
    """
    name = f"{regarding['name']}.{time_us * 1000 + rng.randrange(1000):x}"
    return Happening(
        reason=reason,
        message=message,
        regarding=regarding,
        name=name,
        uid=uid(rng),
        first_us=time_us,
        last_us=time_us,
        **more,
    )


def event_document(seen: Happening) -> NewDocument:
    """Return the Event as an exporter stores it: under its uid, so that a repetition replaces it.

    The scheduler writes events.k8s.io/v1, all others core/v1, as in a real cluster.
    """
    shape = _new_shape(seen) if seen.component == SCHEDULER else _core_shape(seen)
    document = {"@timestamp": format_micros(seen.last_us), "kind": "Event", **shape}
    return indexed("events", seen.last_us, document, seen.uid)


def _metadata(seen: Happening) -> dict[str, Any]:
    return {
        "name": seen.name,
        "namespace": seen.regarding["namespace"],
        "uid": seen.uid,
        "resourceVersion": str(seen.last_us // 100_000 % 10_000_000),
        "creationTimestamp": format_seconds(seen.first_us),
    }


def _core_shape(seen: Happening) -> dict[str, Any]:
    source = {"component": seen.component}
    if seen.host:
        source["host"] = seen.host
    return {
        "apiVersion": "v1",
        "metadata": _metadata(seen),
        "involvedObject": seen.regarding,
        "reason": seen.reason,
        "message": seen.message,
        "source": source,
        "firstTimestamp": format_seconds(seen.first_us),
        "lastTimestamp": format_seconds(seen.last_us),
        "count": seen.count,
        "type": "Warning" if seen.warning else "Normal",
        "eventTime": None,
        "reportingComponent": seen.component,
        "reportingInstance": seen.host,
    }


def _new_shape(seen: Happening) -> dict[str, Any]:
    shape = {
        "apiVersion": "events.k8s.io/v1",
        "metadata": _metadata(seen),
        "eventTime": format_micros(seen.first_us),
        "reportingController": seen.component,
        "reportingInstance": f"{seen.component}-control-plane-1",
        "action": "Binding" if seen.reason == "Scheduled" else "Scheduling",
        "reason": seen.reason,
        "regarding": seen.regarding,
        "note": seen.message,
        "type": "Warning" if seen.warning else "Normal",
        "deprecatedSource": {},
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
    }
    if seen.count > 1:
        observed = format_micros(seen.last_us)
        shape["series"] = {"count": seen.count, "lastObservedTime": observed}
    return shape
